import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Held } from '../../base/held.ts'
import { thrown } from '../../testing/engine-bench.ts'
import { builtinCubes, openVirtualMachine, packet, through } from '../../testing/index.ts'
import { openTables } from '../control/tables.ts'
import { Engine } from '../engine.ts'
import { readGraph } from '../read/read.ts'
import { MemoryRecords } from './records.ts'

const folder = mkdtempSync(join(tmpdir(), 'tessera-migrate-'))
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
afterAll(() => rmSync(folder, { recursive: true }))

const here = (path: string) => JSON.stringify(resolve(import.meta.dirname, '../..', path))

interface Version {
  /** The table: `hash({ … })`. */
  readonly seen: string
  /** What is set of a station that is new. */
  readonly first: string
  /** Tables as they were: `from(…), from(…)`. */
  readonly migrate?: string
}

/** A cube that counts what stations send, in whatever table it has for that. */
function version(name: string, { seen, first, migrate }: Version): string {
  const cube = join(folder, name)
  mkdirSync(cube)
  const imports = `import { z } from 'zod'
import { control, dataplane, defineCube, from } from ${here('cube/index.ts')}
import { array, cell, Ethernet, fill, hash, list, lruHash, mac, perCpuHash, queue, swappable, u16, u32, u64 } from ${here('lang/index.ts')}
`
  writeFileSync(
    join(cube, 'schema.ts'),
    `${imports}export default defineCube('counting', {
  summary: 'an example', ports: z.strictObject({}), config: z.strictObject({}),
  state: { seen: ${seen} },
  drops: { short: 'too short', counted: 'all others' },
})\n`,
  )
  writeFileSync(
    join(cube, 'dataplane.ts'),
    `import { dataplane } from ${here('cube/index.ts')}
import { Ethernet } from ${here('lang/index.ts')}
import counting from './schema.ts'
export default dataplane(counting, (packet, { state, drop }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('short')
  ${first}
  return drop('counted')
})\n`,
  )
  if (migrate !== undefined)
    writeFileSync(
      join(cube, 'control.ts'),
      `${imports}import counting from './schema.ts'\nexport default control(counting, { migrate: { seen: [${migrate}] } })\n`,
    )
  return cube
}

const COUNT = `const entry = state.seen.get({ address: ethernet.source })
  if (entry) entry.packets += 1
  else state.seen.set({ address: ethernet.source }, { packets: 1 })`
const SMALL = 'hash({ key: { address: mac }, value: { packets: u32 }, entries: 4 })'
const WIDE = 'hash({ key: { address: mac }, value: { packets: u64, since: u16 }, entries: 8 })'
const COUNT_WIDE = COUNT.replace('{ packets: 1 }', '{ packets: 1, since: 2 }')

const small = version('small', { seen: SMALL, first: COUNT })
const large = version('large', { seen: SMALL.replace('entries: 4', 'entries: 64'), first: COUNT })
const throwing = version('throwing', {
  seen: WIDE,
  first: COUNT_WIDE,
  migrate: `from(${SMALL}, () => { throw new Error('who was that?') })`,
})
const looping = version('looping', {
  seen: WIDE,
  first: COUNT_WIDE,
  migrate: `from(${SMALL}, () => { while (true) {} })`,
})
const lru = version('lru', { seen: SMALL.replace('hash', 'lruHash'), first: COUNT })
const renamed = version('renamed', {
  seen: SMALL.replace('packets', 'frames'),
  first: COUNT.replaceAll('packets', 'frames'),
})
const wide = version('wide', {
  seen: WIDE,
  first: COUNT_WIDE,
  migrate: `from(${SMALL}, ({ key, value }) => value.packets === 0 ? undefined : { key, value: { packets: BigInt(value.packets), since: 1 } })`,
})
const queued = version('queued', {
  seen: 'queue({ value: { address: mac }, entries: 4 })',
  first: 'state.seen.push({ address: ethernet.source })',
})
const longer = version('longer', {
  seen: 'queue({ value: { address: mac }, entries: 8 })',
  first: 'state.seen.push({ address: ethernet.source })',
})
const each = version('each', {
  seen: 'perCpuHash({ key: { address: mac }, value: { packets: u32 }, entries: 4 })',
  first: COUNT,
})
const summed = version('summed', {
  seen: WIDE,
  first: COUNT_WIDE,
  migrate: `from(perCpuHash({ key: { address: mac }, value: { packets: u32 }, entries: 4 }), ({ key, value }) =>
    ({ key, value: { packets: value.reduce((sum, one) => sum + BigInt(one.packets), 0n), since: 3 } }))`,
})

const station = (number: number) => `02:00:00:00:00:0${number}`

function open() {
  const machine = openVirtualMachine()
  for (const name of ['va', 'vb']) machine.addInterface(name, { mac: '06:00:00:00:00:01' })
  const catalogue = builtinCubes()
  const records = new MemoryRecords()
  const lock = async () => ({ [Symbol.dispose]() {} })
  const engineOn = (on: typeof machine) => new Engine({ machine: on, records, catalogue, lock })
  const file = (cube: string, instance = 's') =>
    readGraph(
      'lan.yaml',
      `graph: lan\ninstances:\n  ${instance}:\n    cube: ${cube}\n    ports: { a: { interface: va } }\n`,
      catalogue,
    )
  const send = (...stations: number[]) => {
    for (const one of stations)
      machine.receive(
        'va',
        packet()
          .ethernet({ source: station(one) })
          .padded(60),
      )
  }
  const seen = async (cube: string) => {
    using held = new Held()
    const { seen } = openTables(machine, 'lan', 's', (await catalogue.find(cube, folder)).cube, held)
    if (seen === undefined || !('entries' in seen)) throw new Error('no such table')
    return Object.fromEntries(seen.entries().map(([key, value]) => [(key as { address: string }).address, value]))
  }
  const pins = () => machine.pinned('').filter((path) => path.includes('/@next/') || path.includes('/@seen/'))
  return { machine, engine: engineOn(machine), engineOn, file, send, seen, pins, records }
}

describe('what a cube has stored', () => {
  test.each([
    { what: 'a larger table', to: large, kept: { packets: 3 }, fresh: { packets: 1 } },
    { what: 'a table that forgets', to: lru, kept: { packets: 3 }, fresh: { packets: 1 } },
    { what: 'another layout', to: wide, kept: { packets: 3n, since: 1 }, fresh: { packets: 1n, since: 2 } },
  ])('goes into $what', async ({ to, kept, fresh }) => {
    const it = open()
    await it.engine.apply(await it.file(small))
    it.send(1, 1, 2)
    await it.engine.apply(await it.file(to))
    expect(it.pins()).toEqual([])
    it.send(1, 3)
    const { [station(2)]: second, ...others } = await it.seen(to)
    expect(others).toEqual({ [station(1)]: kept, [station(3)]: fresh })
    expect(second).toBeDefined()
    // The same again is no change.
    expect((await it.engine.plan(await it.file(to))).actions).toEqual([])
  })

  test('by CPUs can become one number', async () => {
    const it = open()
    await it.engine.apply(await it.file(each))
    it.send(1, 1)
    await it.engine.apply(await it.file(summed))
    expect(await it.seen(summed)).toEqual({ [station(1)]: { packets: 2n, since: 3 } })
  })

  test.each([
    { what: 'other names of fields', from: small, to: renamed, says: 'has another layout than the graph that runs' },
    { what: 'a layout that nobody knows any more', from: wide, to: small, says: 'migrate: { seen: [from(OLD,' },
    { what: 'another kind', from: small, to: each, says: 'is a percpu_hash, and a hash in the graph that runs' },
    { what: 'a queue', from: queued, to: longer, says: 'nobody can list what is in a queue' },
  ])('is not lost to $what: the change is refused, at its line', async ({ from, to, says }) => {
    const it = open()
    await it.engine.apply(await it.file(from))
    it.send(1)
    const before = [it.machine.pinned(''), it.records.read('lan')]
    const refused = expect(it.engine.apply(await it.file(to))).rejects
    await refused.toThrow('lan.yaml:4:11: the table seen of s')
    await refused.toThrow(says)
    expect([it.machine.pinned(''), it.records.read('lan')]).toEqual(before)
  })

  test('that does not fit is a refusal, and nothing has changed', async () => {
    const it = open()
    await it.engine.apply(await it.file(large))
    it.send(1, 2, 3, 4, 5)
    const before = it.machine.pinned('')
    await expect(it.engine.apply(await it.file(small))).rejects.toThrow('full')
    expect(it.machine.pinned('')).toEqual(before)
    it.send(5)
    expect(await it.seen(large)).toMatchObject({ [station(5)]: { packets: 2 } })
  })

  test('whose migration throws is a refusal at its line, and nothing has changed', async () => {
    const it = open()
    await it.engine.apply(await it.file(small))
    it.send(1)
    const before = it.machine.pinned('')
    await expect(it.engine.apply(await it.file(throwing))).rejects.toMatchObject({
      diagnostics: [
        {
          message: 'migrate throws at an entry of seen: who was that?',
          place: { file: expect.stringMatching(/throwing\/control\.ts$/) },
        },
        { message: expect.stringMatching(/^it is the table seen of /), place: { file: 'lan.yaml' } },
      ],
    })
    expect(it.machine.pinned('')).toEqual(before)
  })

  test('whose migration does not come to an end is a refusal, and nothing has changed', async () => {
    const it = open()
    await it.engine.apply(await it.file(small))
    it.send(1)
    const before = [it.machine.pinned(''), it.records.read('lan')]
    await expect(it.engine.apply(await it.file(looping))).rejects.toMatchObject({
      diagnostics: [
        {
          message: expect.stringMatching(
            /^migrate of seen in .*looping\/control\.ts: it did not come to an end in 3000 ms$/,
          ),
        },
        { message: 'it is the table seen of s', place: { file: 'lan.yaml' } },
      ],
    })
    expect([it.machine.pinned(''), it.records.read('lan')]).toEqual(before)
    await it.engine.apply(await it.file(wide))
    expect(await it.seen(wide)).toMatchObject({ [station(1)]: { packets: 1n } })
  })

  test('of another instance is another state', async () => {
    const it = open()
    await it.engine.apply(await it.file(small, 'other'))
    it.send(1)
    await it.engine.apply(await it.file(small))
    expect(await it.seen(small)).toEqual({})
  })
})

/** Has `hook` called before each operation of the machine, from the first one that changes something on. */
function during(it: ReturnType<typeof open>, hook: (operation: string, number: number) => void) {
  let number = 0
  return it.engineOn(
    through(it.machine, (operation, run) => {
      if (number > 0 || operation === 'createMap') hook(operation, number++)
      return run()
    }),
  )
}

describe.each([
  { what: 'a larger table', to: large, wide: false },
  { what: 'another layout', to: wide, wide: true },
])('what is written while entries go into $what', ({ to, wide }) => {
  const value = (packets: number, since: number) => (wide ? { packets: BigInt(packets), since } : { packets })

  test('is not lost, whenever it is', async () => {
    for (let at = 0; ; at++) {
      const it = open()
      await it.engine.apply(await it.file(small))
      it.send(1, 1)
      let happened = false
      const engine = during(it, (_, number) => {
        if (number === at) {
          it.send(1, 2)
          happened = true
        }
      })
      await engine.apply(await it.file(to))
      if (!happened) {
        expect(at).toBeGreaterThan(20)
        return
      }
      const found = await it.seen(to)
      expect(found[station(1)], `at ${at}`).toEqual(value(3, 1))
      expect([value(1, 1), value(1, 2)], `at ${at}`).toContainEqual(found[station(2)])
    }
  })

  test('and what new programs have written stays', async () => {
    const it = open()
    await it.engine.apply(await it.file(small))
    it.send(1, 2)
    const engine = during(it, (operation) => {
      if (operation === 'settle') it.send(1, 1, 3)
    })
    await engine.apply(await it.file(to))
    expect(await it.seen(to)).toEqual({
      [station(1)]: value(3, 1),
      [station(2)]: value(1, 1),
      [station(3)]: value(1, 2),
    })
  })
})

describe('killed at any moment of it', () => {
  test.each([large, wide])('the next start has all of the change or nothing, and all entries (%s)', async (to) => {
    let [undone, done] = [0, 0]
    for (let at = 0; ; at++) {
      const it = open()
      await it.engine.apply(await it.file(small))
      it.send(1, 1, 2)
      let killed = false
      const engine = during(it, (operation, number) => {
        // A process that is gone lets go of its handles.
        if (operation.startsWith('Symbol')) return
        if (!killed && number >= at) it.send(1, 3)
        killed ||= number >= at
        if (killed) throw new Error('killed')
      })
      // Where only what is left of the old graph was not removed, that is no failure.
      await engine.apply(await it.file(to)).catch(() => undefined)
      if (!killed) break
      it.send(2)
      await it.engine.recover(thrown)
      expect(it.pins(), `at ${at}`).toEqual([])
      it.send(2)
      const isDone = it.records.read('lan')?.graph.instances[0]?.cube === to
      if (isDone) done++
      else undone++
      const found = await it.seen(isDone ? to : small)
      const packets = Object.values(found).map((value) => Number((value as { packets: number }).packets))
      expect(packets.toSorted(), `at ${at}`).toEqual([1, 3, 3])
      const changed = await it.engine.apply(await it.file(to))
      expect(changed.actions.length > 0).toBe(!isDone)
      expect(Object.keys(await it.seen(to)).length).toBe(3)
    }
    expect([undone > 10, done > 10]).toEqual([true, true])
  })
})
