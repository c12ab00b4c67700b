import { join } from 'node:path'
import { CUBES } from './trail.ts'

/** A chain of cubes between two interfaces, which mark packets with the number. */
export function graphText(number: number): string {
  const instances = Array.from({ length: CUBES }, (_, place) => {
    const left = place === 0 ? '{ interface: left }' : `{ to: m${place - 1}.right }`
    const right = place === CUBES - 1 ? '{ interface: right }' : '{}'
    return `  m${place}:
    cube: ${join(import.meta.dirname, 'mark')}
    config: { place: ${place}, number: ${number % 256} }
    ports: { left: ${left}, right: ${right} }
`
  })
  return `graph: bench-change\ninstances:\n${instances.join('')}`
}
