import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BPFFS } from '../../src/kernel/bpffs.ts'
import { scratch } from '../../src/kernel/fixtures.ts'
import { createNamespace, inNamespace, removeNamespace } from '../../src/kernel/namespace.ts'
import { OWN_NAME } from '../../src/kernel/places.ts'
import { type Ended, isThere, NOBODY, ROOT, run, settled, snapshot, tessera, whyNot } from './host.ts'

/** Somebody's own demo may run on this host. */
const NS = scratch('demo')
const STATIONS = join(BPFFS, OWN_NAME, 'office/switch/maps/stations')
const DEMO = ['--import', 'tsx', `${ROOT}/demo/demo.ts`]
const inside = <T>(work: () => T): T => inNamespace(NS, work)
const demo = (...words: readonly string[]): Ended => inside(() => run(process.execPath, ...DEMO, ...words))

const reason = whyNot('ping')

describe.skipIf(reason !== undefined)(`the demo in the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  beforeAll(() => createNamespace(NS))
  afterAll(() => void removeNamespace(NS))

  test('pings, transfers, shows, and leaves the host as it was', () => {
    const before = inside(snapshot)
    const { code, stdout, stderr } = demo()
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout.split('\n')[0]).toMatch(/^Tessera in this kernel/)
    expect(stdout.match(/IPv4 [\d.]+ ms +IPv6 [\d.]+ ms/g)).toHaveLength(6)
    expect(stdout).toMatch(/TCP: 512 of 512 MiB from alice to bob/)
    expect(stdout).toMatch(/stations: 3/)
    expect(stdout).toMatch(/02:00:00:00:00:03 +carol/)
    expect(inside(() => settled(before))).toEqual(before)
  })

  test.skipIf(!isThere('bpftool'))(
    '--keep leaves it running, tools see it, --remove takes it away (needs bpftool)',
    () => {
      const before = inside(snapshot)
      try {
        expect(demo('--keep').stdout).toMatch(/It keeps running/)
        const shown = inside(() => tessera('show', 'office', '--json'))
        expect(shown.code).toBe(0)
        const [{ instances }] = JSON.parse(shown.stdout) as [{ instances: { ports: { state: string }[] }[] }]
        expect(instances[0]?.ports.map(({ state }) => state)).toEqual(['up', 'up', 'up'])
        const loaded = snapshot().find((line) => line.endsWith(' switch_alice') && !before.includes(line))
        const dump = run('bpftool', 'prog', 'dump', 'xlated', 'id', loaded?.split(' ')[1] ?? '', 'linum')
        expect(dump.stdout).toContain('const ethernet = packet.read(Ethernet)')
        expect(dump.stdout).toContain('src/cubes/bridge/dataplane.ts')
        const stations = run('bpftool', 'map', 'dump', 'pinned', STATIONS, '--json')
        expect(JSON.parse(stations.stdout)).toHaveLength(3)
        expect(inside(() => tessera('delete', 'examples/bridge.yaml')).code).toBe(0)
        expect(inside(() => tessera('show')).stdout.trim()).toBe('no graph runs here')
      } finally {
        demo('--remove')
      }
      expect(inside(() => settled(before))).toEqual(before)
    },
  )

  test('starts over what an earlier one left behind', () => {
    const before = inside(snapshot)
    demo('--keep')
    expect(demo().code).toBe(0)
    expect(inside(() => settled(before))).toEqual(before)
  })
})

describe('the demo', () => {
  test('refuses words it does not know', () => {
    const { code, stderr } = run(process.execPath, ...DEMO, '--fast')
    expect(code).toBe(2)
    expect(stderr).toContain('--fast: not known')
  })

  const noRoot = process.getuid?.() !== 0 || !isThere('setpriv')
  test.skipIf(noRoot)('runs on the user-space machine without root, and says so first (needs root and setpriv)', () => {
    const before = snapshot()
    const { code, stdout } = run(...NOBODY, process.execPath, ...DEMO)
    expect(stdout.split('\n')[0]).toMatch(/^Tessera on the user-space machine.*CAP_BPF/)
    expect(stdout).toContain('12 of 12 answered')
    expect(code).toBe(0)
    expect(settled(before)).toEqual(before)
  })
})
