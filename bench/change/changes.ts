/** `changes.ts FILE COUNT`: changes the number of all cubes, COUNT times, and says how long each change took, in milliseconds. */
import { readFileSync, writeFileSync } from 'node:fs'
import { openKernelHost } from '../../src/daemon/host.ts'
import { readGraph } from '../../src/engine/read.ts'
import { graphText } from './graph.ts'

const [file = '', count = '0'] = process.argv.slice(2)
using host = openKernelHost()
const apply = async () => host.engine.apply(await readGraph(file, readFileSync(file, 'utf8'), host.catalogue))
writeFileSync(file, graphText(0))
await apply()
console.log('ready')
const took: number[] = []
for (let number = 1; number <= Number(count); number++) {
  writeFileSync(file, graphText(number))
  const start = performance.now()
  await apply()
  took.push(performance.now() - start)
}
console.log(JSON.stringify(took))
