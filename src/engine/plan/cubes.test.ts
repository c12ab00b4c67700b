/** Graphs with a cube in a folder, whose files change while they run. */
import { rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ChangingCube, changingCube } from '../../testing/changing-cube.ts'
import { builtinCubes, openVirtualMachine } from '../../testing/index.ts'
import { Engine } from '../engine.ts'
import { readGraph } from '../read/read.ts'
import { MemoryRecords } from './records.ts'

const MAC = '02:00:00:00:00:01'

let cube: ChangingCube
let machine: ReturnType<typeof openVirtualMachine>
let records: MemoryRecords
beforeEach(() => {
  cube = changingCube()
  machine = openVirtualMachine()
  machine.addInterface('va', { mac: MAC })
  records = new MemoryRecords()
})
afterEach(() => cube[Symbol.dispose]())

/** One with a process of its own knows nothing but what is in the files now. */
function process() {
  const catalogue = builtinCubes()
  const engine = new Engine({ machine, records, catalogue, lock: async () => ({ [Symbol.dispose]() {} }) })
  const text = `graph: lan\ninstances:\n  s:\n    cube: ${cube.folder}\n    ports: { a: { interface: va } }\n`
  return { engine, catalogue, file: () => readGraph('lan.yaml', text, catalogue) }
}

const comeBack = () => {
  machine.removeInterface('va')
  machine.addInterface('va', { mac: MAC })
}

async function drops(engine: Engine): Promise<readonly string[]> {
  machine.receive('va', new Uint8Array(60))
  const { instances } = await engine.status('lan')
  return instances.flatMap(({ ports }) => ports.flatMap(({ drops }) => Object.keys(drops)))
}

const CHANGED = 'files of the cube'

test('whoever knows what they were made of repairs them, and looks at them, as that', async () => {
  const { engine, file } = process()
  await engine.apply(await file())
  cube.drop('others')
  comeBack()
  await engine.repair('lan')
  expect(await drops(engine)).toEqual(['some'])
  expect((await engine.look('lan')).running.programs).toEqual(records.read('lan')?.programs)
  expect(await drops(engine)).toEqual(['some'])
})

test('whoever does not leaves them alone, and says so', async () => {
  const before = process()
  await before.engine.apply(await before.file())
  cube.drop('others')
  const { engine } = process()
  expect(await drops(engine)).toEqual(['some'])
  await expect(engine.look('lan')).rejects.toThrow(
    `${CHANGED} ${cube.folder} have changed since the graph lan was made of them`,
  )
  await expect(engine.control('lan')).rejects.toThrow(CHANGED)
  comeBack()
  await expect(engine.repair('lan')).rejects.toThrow(CHANGED)
  cube.drop('some')
  await engine.repair('lan')
  expect(await drops(engine)).toEqual(['some'])
  cube.drop('others')
  const after = process()
  await after.engine.apply(await after.file())
  expect(await drops(after.engine)).toEqual(['some', 'others'])
})

test('what somebody else has applied since is what runs', async () => {
  const [one, other] = [process(), process()]
  await one.engine.apply(await one.file())
  cube.drop('others')
  await other.engine.apply(await other.file())
  comeBack()
  await one.engine.repair('lan')
  expect(await drops(one.engine)).toEqual(['others'])
})

test('whoever looks hears what was counted, though the cube cannot be read any more', async () => {
  const before = process()
  await before.engine.apply(await before.file())
  rmSync(join(cube.folder, 'dataplane.ts'))
  const { engine } = process()
  expect(await drops(engine)).toEqual(['some'])
  const { instances } = await engine.status('lan')
  expect(instances).toMatchObject([
    {
      name: 's',
      cube: basename(cube.folder),
      summary: `cannot be read: there is no cube in ${cube.folder}`,
      ports: [{ name: 'a', to: 'va', state: 'up', received: { packets: 1n, bytes: 60n } }],
      views: {},
    },
  ])
})
