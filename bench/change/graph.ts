import { join } from 'node:path'
import { CUBES } from './trail.ts'

/**
 * A chain of cubes between two interfaces, which mark packets with the number, each in its place. `order`: places in another order,
 * which makes other programs.
 */
export function graphText(number: number, order = 0): string {
  const places = Array.from({ length: CUBES }, (_, place) => place)
  for (let last = CUBES - 1, rest = order; last > 0; rest = Math.floor(rest / (last + 1)), last--) {
    const [taken = 0] = places.splice(rest % (last + 1), 1)
    places.push(taken)
  }
  const instances = Array.from({ length: CUBES }, (_, place) => {
    const left = place === 0 ? '{ interface: left }' : `{ to: m${place - 1}.right }`
    const right = place === CUBES - 1 ? '{ interface: right }' : '{}'
    return `  m${place}:
    cube: ${join(import.meta.dirname, 'mark')}
    config: { place: ${places[place]}, number: ${number % 256} }
    ports: { left: ${left}, right: ${right} }
`
  })
  return `graph: bench-change\ninstances:\n${instances.join('')}`
}
