import { describe, expect, test } from 'vitest'
import { isThere, ROOT, run, settled, snapshot, tessera, whyNot } from './host.ts'

const demo = (...words: readonly string[]) => run(process.execPath, '--import', 'tsx', `${ROOT}/demo/demo.ts`, ...words)

const reason = whyNot('ping')

describe.skipIf(reason !== undefined)(`the demo in the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  test('pings, transfers, shows, and leaves the host as it was', () => {
    const before = snapshot()
    const { code, stdout, stderr } = demo()
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout.split('\n')[0]).toMatch(/^Tessera in this kernel/)
    expect(stdout.match(/IPv4 [\d.]+ ms +IPv6 [\d.]+ ms/g)).toHaveLength(6)
    expect(stdout).toMatch(/TCP: 512 of 512 MiB from alice to bob/)
    expect(stdout).toMatch(/stations: 3/)
    expect(stdout).toMatch(/02:00:00:00:00:03 +carol/)
    expect(settled(before)).toEqual(before)
  })

  test.skipIf(!isThere('bpftool'))(
    '--keep leaves it running, tools see it, --remove takes it away (needs bpftool)',
    () => {
      const before = snapshot()
      try {
        expect(demo('--keep').stdout).toMatch(/It keeps running/)
        const shown = tessera('show', 'office', '--json')
        expect(shown.code).toBe(0)
        const [{ instances }] = JSON.parse(shown.stdout) as [{ instances: { ports: { state: string }[] }[] }]
        expect(instances[0]?.ports.map(({ state }) => state)).toEqual(['up', 'up', 'up'])
        const dump = run('bpftool', 'prog', 'dump', 'xlated', 'name', 'switch_alice', 'linum')
        expect(dump.stdout).toContain('const ethernet = packet.read(Ethernet)')
        expect(dump.stdout).toContain('src/cubes/bridge/dataplane.ts')
        const stations = run('bpftool', 'map', 'dump', 'name', 'stations', '--json')
        expect(JSON.parse(stations.stdout)).toHaveLength(3)
        expect(tessera('delete', 'examples/bridge.yaml').code).toBe(0)
        expect(tessera('show').stdout.trim()).toBe('no graph runs here')
      } finally {
        demo('--remove')
      }
      expect(settled(before)).toEqual(before)
    },
  )

  test('starts over what an earlier one left behind', () => {
    const before = snapshot()
    demo('--keep')
    expect(demo().code).toBe(0)
    expect(settled(before)).toEqual(before)
  })
})

describe('the demo', () => {
  test('refuses words it does not know', () => {
    const { code, stderr } = demo('--fast')
    expect(code).toBe(2)
    expect(stderr).toContain('--fast: not known')
  })

  const noRoot = process.getuid?.() !== 0 || !isThere('setpriv')
  test.skipIf(noRoot)('runs on the user-space machine without root, and says so first (needs root and setpriv)', () => {
    const before = snapshot()
    const words = [
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      process.execPath,
      '--import',
      'tsx',
      'demo/demo.ts',
    ]
    const { code, stdout } = run('setpriv', ...words)
    expect(stdout.split('\n')[0]).toMatch(/^Tessera on the user-space machine.*CAP_BPF/)
    expect(stdout).toContain('12 of 12 answered')
    expect(code).toBe(0)
    expect(settled(before)).toEqual(before)
  })
})
