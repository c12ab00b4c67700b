/**
 * `node --expose-gc --import tsx bench/instances.ts`: what 10,000 instances of a bridge take in one machine, in MiB: each has maps
 * of its own, with an entry, and has seen a packet.
 */
import { join } from 'node:path'
import { mapsOf } from '../src/compiler/compile.ts'
import { controlTable } from '../src/engine/control/tables.ts'
import { openVirtualMachine } from '../src/vm/machine.ts'
import { type CodegenCase, compileCase, FOLDER } from './codegen.ts'

const INSTANCES = 10_000
const NAME = 'mac-learning'

const { default: given } = (await import(join(FOLDER, NAME, 'case.ts'))) as { default: CodegenCase }
const { cube, compileOurs } = await compileCase(NAME)
const described = Object.entries(mapsOf(cube, 1))
const program = compileOurs()
const [packet = new Uint8Array(64)] = given.packets
const machine = openVirtualMachine()

const create = () => {
  const maps = Object.fromEntries(described.map(([name, description]) => [name, machine.createMap(name, description)]))
  const tables = Object.fromEntries(
    Object.entries(cube.state).flatMap(([name, table]) =>
      maps[name] === undefined ? [] : [[name, controlTable(table, maps[name])]],
    ),
  )
  given.prepare(tables, machine.now())
  const loaded = machine.load(program, maps)
  loaded.run(packet)
  return { maps, loaded }
}

const resident = () => {
  globalThis.gc?.()
  return process.memoryUsage().rss
}

const before = resident()
const instances = Array.from({ length: INSTANCES }, create)
const after = resident()
for (const { loaded } of instances.slice(0, 1)) loaded.run(packet)
console.log((after - before) / 1024 ** 2)
