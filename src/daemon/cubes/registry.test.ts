/** Cubes come, change and go beside graphs that run, on the user-space machine. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { Refusal } from '../../base/diagnostic.ts'
import type { GraphDocument } from '../../cube/document.ts'
import { MemoryStore } from '../../store/memory.ts'
import type { Store } from '../../store/store.ts'
import { openVirtualHost } from '../host.ts'
import { WantedGraphs } from '../service/wanted-graphs.ts'
import { type CubeHappened, CubeRegistry, type RegistryParts } from './registry.ts'
import { usersOf } from './users.ts'

const home = mkdtempSync(join(tmpdir(), 'tessera-registry-'))
afterAll(() => rmSync(home, { recursive: true }))

const hub = join(import.meta.dirname, '../../../examples/hub')
let folder = ''
let mine = ''
beforeEach(() => {
  const at = mkdtempSync(join(home, 'one-'))
  folder = join(at, 'cubes')
  mine = join(at, 'mine')
  cpSync(hub, mine, { recursive: true })
})

/** Changes a file of the cube. */
function edit(name: string, from: string, to: string): void {
  const text = readFileSync(join(mine, name), 'utf8')
  expect(text).toContain(from)
  writeFileSync(join(mine, name), text.replace(from, to))
}

const lan = (name: string): GraphDocument => ({
  graph: name,
  instances: { h: { cube: 'hub', ports: { a: { interface: `${name}1` }, b: { interface: `${name}2` } } } },
})

async function open({ store = new MemoryStore(), ...more }: Partial<RegistryParts> = {}) {
  const host = openVirtualHost()
  const { engine, machine, catalogue } = host
  const wanted = await WantedGraphs.open({ host, store, folder })
  const events: CubeHappened[] = []
  const parts: RegistryParts = {
    ...{ store, catalogue, folder },
    graphs: usersOf(wanted, host, folder),
    // Its types and tests are looked at elsewhere.
    check: async () => ({ name: 'hub' }),
    tell: (happened) => void events.push(happened),
    ...more,
  }
  const registry = await CubeRegistry.open(parts)
  const run = async (name: string) => {
    for (const end of [1, 2])
      if (machine.interface(`${name}${end}`) === undefined)
        machine.addInterface(`${name}${end}`, { mac: '02:00:00:00:00:01' })
    await wanted.put(name, lan(name), {})
  }
  const views = async (name: string) => (await engine.status(name)).instances[0]?.views
  return { ...host, wanted, store, registry, run, views, parts, events }
}

const copies = () => readdirSync(folder).filter((name) => name.startsWith('hub-'))

/** Called when somebody is as good as killed: what was asked of him never ends. */
let died = () => {}
const forEver = (): Promise<never> => {
  died()
  return new Promise(() => {})
}

/** A store in which the first change is the last thing that somebody does, before it is made or afterwards. */
const dyingStore = (store: Store, when: 'before' | 'after'): Store => ({
  get: (key) => store.get(key),
  list: (prefix, options) => store.list(prefix, options),
  watch: (...words) => store.watch(...words),
  async commit(operations) {
    if (when === 'after') await store.commit(operations)
    return forEver()
  },
  [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
})

const frame = new Uint8Array(60).fill(0xff, 0, 6).fill(2, 6, 12)

describe('a cube', () => {
  test('is there for graphs once it was added, and after a restart', async () => {
    const { registry, run, catalogue, store, machine, engine } = await open()
    await expect(run('lan')).rejects.toThrow('there is no cube "hub"')
    expect(await registry.add({ path: mine })).toBe('hub')
    expect(catalogue.names()).toContain('hub')
    await run('lan')
    machine.receive('lan1', frame)
    expect((await engine.status('lan')).instances[0]?.ports[1]?.sent.packets).toBe(1n)

    rmSync(mine, { recursive: true })
    writeFileSync(join(folder, 'left'), '')
    const again = await open({ store })
    await again.run('lan')
    expect(again.catalogue.others().get('hub')).toBe(catalogue.others().get('hub'))
    expect([...(await again.registry.added())]).toEqual([['hub', mine]])
    expect(existsSync(join(folder, 'left'))).toBe(false)
    await engine.delete('lan')
  })

  test('is copied: nobody changes it by changing its files', async () => {
    const { registry, catalogue, run } = await open()
    await registry.add({ path: mine })
    writeFileSync(join(mine, 'dataplane.ts'), 'nonsense')
    await run('lan')
    expect((await catalogue.find('hub', '/')).cube.name).toBe('hub')
  })

  test('is upgraded while graphs have instances of it, which keep their state', async () => {
    const { registry, run, views, machine, engine, catalogue } = await open()
    await registry.add({ path: mine })
    const before = catalogue.others().get('hub') ?? ''
    for (const name of ['lan', 'wan']) await run(name)
    machine.receive('lan1', frame)
    expect(await views('lan')).toMatchObject({ talkers: [{ address: '02:02:02:02:02:02' }] })
    edit('dataplane.ts', 'return flood()', "return drop('broken')")
    edit('schema.ts', 'truncated:', "broken: 'it is', truncated:")
    edit('control.ts', 'talkers: (', 'speakers: (')
    await registry.upgrade('hub', { path: mine })
    expect(await views('lan')).toMatchObject({ speakers: [{ address: '02:02:02:02:02:02' }] })
    expect((await engine.status('lan')).instances[0]?.ports[0]?.received.packets).toBe(1n)
    machine.receive('lan1', frame)
    machine.receive('wan1', frame)
    for (const name of ['lan', 'wan'])
      expect((await engine.status(name)).instances[0]?.ports[0]?.drops).toMatchObject({ broken: { packets: 1n } })
    expect(existsSync(before)).toBe(false)
    expect((await registry.added()).get('hub')).toBe(mine)
    // The same again changes nothing.
    const now = catalogue.others().get('hub') ?? ''
    const written = () => statSync(join(now, 'dataplane.ts')).ctimeMs
    const first = written()
    await registry.upgrade('hub', { path: mine })
    expect(catalogue.others().get('hub')).toBe(now)
    expect(written()).toBe(first)
    const moved = `${mine}-moved`
    renameSync(mine, moved)
    await registry.upgrade('hub', { path: moved })
    expect((await registry.added()).get('hub')).toBe(moved)
    renameSync(moved, mine)
  })

  test('is refused with the places of the files that it came from', async () => {
    const place = { file: 'dataplane.ts', line: 6, column: 38, length: 3, text: 'nxt' }
    const check = () => Promise.reject(new Refusal([{ message: 'no', place }]))
    const { registry } = await open({ check })
    const error = await registry.add({ path: mine }).catch((error: unknown) => error)
    expect(error).toMatchObject({ diagnostics: [{ place: { ...place, file: join(mine, 'dataplane.ts') } }] })
  })

  test('is not upgraded where a graph cannot go over to it', async () => {
    const { registry, run, catalogue, machine, views } = await open()
    await registry.add({ path: mine })
    await run('lan')
    machine.receive('lan1', frame)
    const before = catalogue.others().get('hub')
    edit('schema.ts', 'value: { seen: u64 }', 'value: { seen: u64, more: u64 }')
    edit('dataplane.ts', '{ seen: now() })', '{ seen: now(), more: 0 })')
    await expect(registry.upgrade('hub', { path: mine })).rejects.toThrow('migrate')
    expect(catalogue.others().get('hub')).toBe(before)
    expect(readdirSync(folder).filter((name) => name.startsWith('hub-'))).toHaveLength(1)
    expect(await views('lan')).toMatchObject({ talkers: [{ address: '02:02:02:02:02:02' }] })
  })

  test('goes back where the second of two graphs fails', async () => {
    const { registry, run, catalogue, parts, views, store } = await open()
    await registry.add({ path: mine })
    for (const name of ['lan', 'wan']) await run(name)
    const before = catalogue.others().get('hub')
    const kept = await store.get('cubes/hub')
    edit('control.ts', 'talkers: (', 'speakers: (')
    let isFailing = true
    const failing = await CubeRegistry.open({
      ...parts,
      graphs: {
        ...parts.graphs,
        apply: (name) => {
          if (name === 'wan' && isFailing) {
            isFailing = false
            throw new Error('no')
          }
          return parts.graphs.apply(name)
        },
      },
    })
    await expect(failing.upgrade('hub', { path: mine })).rejects.toThrow('no')
    expect(catalogue.others().get('hub')).toBe(before)
    expect((await store.get('cubes/hub'))?.value).toBe(kept?.value)
    expect(await views('lan')).toHaveProperty('talkers')
  })

  test('is what it was, or what it was to be, whenever the daemon is killed while it is added', async () => {
    for (const step of ['before', 'after'] as const) {
      const store = new MemoryStore()
      const { parts } = await open({ store })
      const dying = await CubeRegistry.open({ ...parts, store: dyingStore(store, step) })
      const reached = new Promise<void>((resolve) => (died = resolve))
      void dying.add({ path: mine })
      await reached
      const again = await open({ store })
      expect(again.catalogue.names().includes('hub'), step).toBe(step === 'after')
      expect(copies()).toHaveLength(step === 'after' ? 1 : 0)
      if (step === 'before') await again.registry.add({ path: mine })
      await again.run('lan')
    }
  })

  test.each(['before the store', 'behind the store', 'before lan', 'behind lan', 'before wan', 'behind wan'])(
    'is one for all graphs after the daemon was killed while it was upgraded: %s',
    async (step) => {
      const { registry, run, wanted, store, parts, catalogue } = await open()
      await registry.add({ path: mine })
      for (const name of ['lan', 'wan']) await run(name)
      const before = catalogue.others().get('hub')
      edit('control.ts', 'talkers: (', 'speakers: (')
      const reached = new Promise<void>((resolve) => (died = resolve))
      const dying = await CubeRegistry.open({
        ...parts,
        store: step.endsWith('store') ? dyingStore(store, step.startsWith('before') ? 'before' : 'after') : store,
        graphs: {
          ...parts.graphs,
          async apply(name) {
            if (step === `before ${name}`) return forEver()
            await parts.graphs.apply(name)
            if (step === `behind ${name}`) await forEver()
          },
        },
      })
      void dying.upgrade('hub', { path: mine })
      await reached
      await wanted.idle()
      const isNew = step !== 'before the store'
      const host = openVirtualHost()
      for (const name of ['lan', 'wan'])
        for (const end of [1, 2]) host.machine.addInterface(`${name}${end}`, { mac: '02:00:00:00:00:01' })
      const started = await WantedGraphs.open({ host, store, folder })
      const graphs = usersOf(started, host, folder)
      const opened = await CubeRegistry.open({ ...parts, store, catalogue: host.catalogue, graphs })
      await started.reconcile()
      expect(host.catalogue.others().get('hub') === before).toBe(!isNew)
      expect(copies()).toHaveLength(1)
      for (const name of ['lan', 'wan']) {
        expect(started.state(name)).toEqual({ state: 'running' })
        expect((await host.engine.status(name)).instances[0]?.views).toHaveProperty(isNew ? 'speakers' : 'talkers')
      }
      await opened.upgrade('hub', { path: mine })
      expect(copies()).toHaveLength(1)
    },
  )

  test('is upgraded also for a graph that comes to use it meanwhile, or is changed', async () => {
    const { registry, run, wanted, catalogue, parts, views, events } = await open()
    await registry.add({ path: mine })
    await run('lan')
    const old = catalogue.others().get('hub') ?? ''
    edit('control.ts', 'talkers: (', 'speakers: (')
    const coming: Promise<unknown>[] = []
    const meanwhile = await CubeRegistry.open({
      ...parts,
      graphs: {
        ...parts.graphs,
        async plan(name, trial) {
          await parts.graphs.plan(name, trial)
          // It reads its cubes before they are others, and is applied afterwards.
          coming.push(run('wan'))
          coming.push(
            wanted.put(
              'lan',
              { ...lan('lan'), instances: { ...lan('lan').instances, two: { cube: 'hub', ports: {} } } },
              {},
            ),
          )
        },
      },
    })
    await meanwhile.upgrade('hub', { path: mine })
    await Promise.all(coming)
    for (const name of ['lan', 'wan']) expect(await views(name)).toHaveProperty('speakers')
    expect(existsSync(old)).toBe(false)
    expect(events.at(-1)).toMatchObject({ kind: 'cube.upgraded', cube: 'hub' })
  })

  test('that is removed is not used by a graph that comes meanwhile', async () => {
    const { registry, run, catalogue, engine } = await open()
    await registry.add({ path: mine })
    const [came, gone] = await Promise.allSettled([run('lan'), registry.remove('hub')])
    expect([came.status, gone.status].sort()).toEqual(['fulfilled', 'rejected'])
    expect(engine.names().length > 0).toBe(catalogue.names().includes('hub'))
  })

  test('is not removed as long as a graph has it', async () => {
    const { registry, run, wanted, catalogue, store, events } = await open()
    await registry.add({ path: mine })
    await run('lan')
    await expect(registry.remove('hub')).rejects.toThrow('graphs have instances of "hub": lan')
    await wanted.delete('lan', {})
    await registry.remove('hub')
    expect(catalogue.names()).not.toContain('hub')
    expect((await store.list('')).entries).toEqual([])
    expect(events.map(({ kind, cube }) => [kind, cube])).toEqual([
      ['cube.added', 'hub'],
      ['cube.removed', 'hub'],
    ])
    expect(readdirSync(folder).sort()).toEqual(['node_modules', 'package.json'])
    await expect(run('lan')).rejects.toThrow('there is no cube "hub"')
  })

  test('cannot be another one, or one that is not there', async () => {
    const { registry } = await open()
    const taken = await open({ check: async () => ({ name: 'bridge' }) })
    await expect(taken.registry.add({ path: mine })).rejects.toThrow('comes with Tessera')
    await registry.add({ path: mine })
    await expect(registry.add({ path: mine })).rejects.toThrow('there is a cube "hub" already')
    await expect(registry.remove('bridge')).rejects.toThrow('comes with Tessera')
    await expect(registry.remove('hob')).rejects.toThrow('no cube "hob" was added')
    await expect(registry.upgrade('hob', { path: mine })).rejects.toThrow('no cube "hob" was added')
    await expect(registry.add({ path: join(mine, 'none') })).rejects.toThrow('cannot be read')
    mkdirSync(join(mine, 'empty'))
    await expect(registry.add({ path: join(mine, 'empty') })).rejects.toThrow('there is no schema.ts')
  })
})
