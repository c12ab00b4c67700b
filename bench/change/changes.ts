/**
 * `changes.ts FILE COUNT`: changes the number of all cubes, COUNT times, and says how long each change took, in milliseconds; then
 * the places of all cubes, which their programs depend on.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { openKernelHost } from '../../src/daemon/host.ts'
import { readGraph } from '../../src/engine/read/read.ts'
import { graphText } from './graph.ts'

/** Changes that are compiled. */
const COMPILED = 20

const [file = '', count = '0'] = process.argv.slice(2)
using host = openKernelHost()
const apply = async () => host.engine.apply(await readGraph(file, readFileSync(file, 'utf8'), host.catalogue))
writeFileSync(file, graphText(0))
await apply()
console.log('ready')
const timed = async (text: string): Promise<number> => {
  writeFileSync(file, text)
  const start = performance.now()
  await apply()
  return performance.now() - start
}
const took: number[] = []
for (let number = 1; number <= Number(count); number++) took.push(await timed(graphText(number)))
console.log(JSON.stringify(took))
const compiled: number[] = []
for (let order = 1; order <= COMPILED; order++) compiled.push(await timed(graphText(order, order * 9973)))
console.log(JSON.stringify(compiled))
