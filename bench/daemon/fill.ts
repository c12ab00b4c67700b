/** Writes stations into the table of a bridge that runs: `node --import tsx fill.ts GRAPH INSTANCE COUNT`. */
import { mapsOf } from '../../src/compiler/compile.ts'
import { bridge } from '../../src/cubes/bridge/schema.ts'
import { mapPath } from '../../src/engine/graph/paths.ts'
import { openKernelMachine } from '../../src/kernel/machine.ts'

const [graph = '', instance = '', count = '0'] = process.argv.slice(2)
using machine = openKernelMachine()
const { stations: description } = mapsOf(bridge, 2)
if (description === undefined) throw new Error('a bridge has stations')
const map = machine.openMap(mapPath(graph, instance, 'stations'), description)
if (map === undefined) throw new Error(`${graph}/${instance} has no stations`)
const [key, value] = [new Uint8Array(description.key.size), new Uint8Array(description.value.size)]
for (let station = 0; station < Number(count); station++) {
  new DataView(key.buffer).setUint32(0, 0x02000000 + station)
  map.update(key, value)
}
