import { beforeEach, describe, expect, test } from 'vitest'
import { builtinCubes, openVirtualMachine } from '../../testing/index.ts'
import { Engine } from '../engine.ts'
import { readGraph } from '../read/read.ts'
import { MemoryRecords } from './records.ts'

const catalogue = builtinCubes()
const [ALICE, BOB, CAROL] = ['va', 'vb', 'vc']
const lock = async () => ({ [Symbol.dispose]() {} })
const MAC = '02:00:00:00:00:01'

const file = (ports = ALICE, name = 'lan', other = BOB) =>
  readGraph(
    'lan.yaml',
    `graph: ${name}\ninstances:\n  s:\n    cube: bridge\n    ports:\n      a: { interface: ${ports} }\n      b: { interface: ${other} }\n`,
    catalogue,
  )

describe('a graph whose interfaces come late', () => {
  let machine: ReturnType<typeof openVirtualMachine>
  let engine: Engine
  const attached = () => machine.pinned('lan').filter((path) => path.startsWith('lan/s/links/'))
  beforeEach(() => {
    machine = openVirtualMachine()
    machine.addInterface(BOB, { mac: MAC })
    engine = new Engine({ machine, records: new MemoryRecords(), catalogue, lock })
  })

  test('is brought up with those that are there, and repaired when others come', async () => {
    await expect(engine.apply(await file())).rejects.toThrow('there is no interface va')
    expect(attached()).toEqual([])
    await engine.bringUp(await file())
    expect(attached()).toEqual(['lan/s/links/b'])
    machine.addInterface(ALICE, { mac: MAC })
    await engine.repair('lan')
    expect(attached()).toEqual(['lan/s/links/b', 'lan/s/links/a'].sort())
  })

  test('is not brought up on interfaces of another graph', async () => {
    machine.addInterface(CAROL, { mac: MAC })
    await engine.apply(await file(CAROL, 'other'))
    await expect(engine.bringUp(await file())).rejects.toThrow('belongs to graph other')
    expect(engine.names()).toEqual(['other'])
  })
})

describe('interfaces of other graphs', () => {
  let machine: ReturnType<typeof openVirtualMachine>
  let engine: Engine
  /** Names that the machine was asked for. */
  let asked: string[]
  /** From now on, `name` is another name of the interface `of`. */
  const alias = (name: string, of: string): void => {
    const { interface: find } = machine
    machine.interface = (which) => {
      asked.push(`${which}`)
      return find.call(machine, which === name ? of : which)
    }
  }
  beforeEach(async () => {
    machine = openVirtualMachine()
    asked = []
    for (const name of [ALICE, BOB, CAROL, 'vd']) machine.addInterface(name, { mac: MAC })
    engine = new Engine({ machine, records: new MemoryRecords(), catalogue, lock, build: () => '1' })
    await engine.apply(await file(ALICE, 'other', CAROL))
  })

  test('are known by their numbers, and are not asked for again', async () => {
    alias('', '')
    await engine.apply(await file('vd'))
    expect(asked.filter((name) => [ALICE, CAROL].includes(name))).toEqual([])
  })

  test('are not taken by another name', async () => {
    alias('vd', CAROL)
    await expect(engine.apply(await file('vd'))).rejects.toThrow('the interface vd belongs to graph other, as vc')
  })

  test('that were renamed have their programs until these are repaired', async () => {
    machine.renameInterface(CAROL, 've')
    await expect(engine.apply(await file('ve'))).rejects.toThrow('the interface ve belongs to graph other, as vc')
    await engine.repair('other')
    await engine.apply(await file('ve'))
    expect(engine.names()).toEqual(['lan', 'other'])
  })
})

describe('what was applied is known to be so', () => {
  let machine: ReturnType<typeof openVirtualMachine>
  let records: MemoryRecords
  const engineOn = (build: string | undefined) => {
    return new Engine({ machine, records, catalogue, lock, build: build === undefined ? undefined : () => build })
  }
  beforeEach(async () => {
    machine = openVirtualMachine()
    records = new MemoryRecords()
    for (const name of [ALICE, BOB, CAROL]) machine.addInterface(name, { mac: MAC })
    await engineOn('1').apply(await file())
  })

  test('by the compiler that applied it, and by no other', async () => {
    expect(engineOn('1').isApplied(await file())).toBe(true)
    expect(engineOn('2').isApplied(await file())).toBe(false)
    expect(engineOn(undefined).isApplied(await file())).toBe(false)
  })

  test('unless it is to be another one', async () => {
    expect(engineOn('1').isApplied(await file(CAROL))).toBe(false)
    expect(engineOn('1').isApplied(await file(ALICE, 'other'))).toBe(false)
  })

  test('unless an interface is another one by now', async () => {
    machine.removeInterface(ALICE)
    expect(engineOn('1').isApplied(await file())).toBe(false)
    machine.addInterface(ALICE, { mac: MAC })
    expect(engineOn('1').isApplied(await file())).toBe(false)
    await engineOn('1').repair('lan')
    expect(engineOn('1').isApplied(await file())).toBe(true)
  })

  test('unless something of it is gone', async () => {
    const [program] = machine.pinned('lan').filter((path) => path.startsWith('lan/s/links/'))
    machine.unpin(program ?? '')
    expect(engineOn('1').isApplied(await file())).toBe(false)
  })

  test('and deleted, it is not', async () => {
    await engineOn('1').delete('lan')
    expect(engineOn('1').isApplied(await file())).toBe(false)
  })
})
