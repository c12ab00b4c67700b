import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { scratch } from '../../src/kernel/fixtures.ts'
import { inNamespace } from '../../src/kernel/namespace.ts'
import { changeLink } from '../../src/kernel/netlink/link.ts'
import {
  type Ended,
  isThere,
  NOBODY,
  ROOT,
  run,
  settled,
  snapshot,
  TESSERA,
  tessera,
  unanswered,
  whyNot,
} from './host.ts'
import { useHosts } from './hosts.ts'

const NS = scratch('cmd')
const HOSTS = ['a', 'b', 'c'].map((name, index) => ({
  name,
  ns: `${NS}-${name}`,
  port: `p-${name}`,
  number: index + 1,
}))

const folder = mkdtempSync(join(tmpdir(), 'tessera-'))
// Commands of others read in it, too.
chmodSync(folder, 0o755)
afterAll(() => rmSync(folder, { recursive: true }))

function graphFile(text: string): string {
  const file = join(folder, 'graph.yaml')
  writeFileSync(file, text)
  return file
}

const GRAPH = `graph: e2e-${process.pid}
instances:
  sw:
    cube: bridge
    ports:
      a: { interface: p-a }
      b: { interface: p-b }
      c: { interface: p-c }
`

const inside = (...words: readonly string[]): Ended => inNamespace(NS, () => tessera(...words))

const reason = whyNot('ping')

describe.skipIf(reason !== undefined)(`in the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  useHosts(NS, HOSTS, '10.78.0')

  let clean: string[]
  beforeEach(() => {
    clean = inNamespace(NS, snapshot)
  })
  afterEach(() => {
    expect(inNamespace(NS, () => settled(clean))).toEqual(clean)
  })

  const from = (host: (typeof HOSTS)[number] | undefined, command: string, ...words: readonly string[]) =>
    inNamespace(host?.ns ?? '', () => run(command, ...words))

  test('a graph: dry run, apply, apply again, show, delete', () => {
    const file = graphFile(GRAPH)
    const dry = inside('apply', file, '--dry-run')
    expect(dry.stdout.split('\n').filter((line) => line.startsWith('+'))).toHaveLength(5)
    expect(inNamespace(NS, () => settled(clean))).toEqual(clean)

    expect(inside('apply', file).code).toBe(0)
    expect(from(HOSTS[0], 'ping', '-c', '2', '-i', '0.2', '-W', '10', '10.78.0.2').code).toBe(0)
    const again = inside('apply', file)
    expect(again.stdout).toContain('nothing to change')
    const changed = inside(
      'apply',
      graphFile(GRAPH.replace('cube: bridge', 'cube: bridge\n    config: { agingTime: 60 }')),
    )
    expect(changed.stdout.match(/^~ program/gm)).toHaveLength(3)
    expect(from(HOSTS[1], 'ping', '-c', '1', '-W', '10', '10.78.0.3').code).toBe(0)

    const shown = inside('show', `e2e-${process.pid}`)
    expect(shown.stdout).toMatch(/sw: bridge, a learning Ethernet switch/)
    expect(shown.stdout).toMatch(/stations: 3/)
    const away = tessera('show', `e2e-${process.pid}`)
    expect(away.stdout).toContain('its interfaces are in another network namespace')
    expect(away.stdout.match(/ elsewhere /g)).toHaveLength(3)
    expect(away.stdout).toMatch(/stations: 3/)
    expect(inside('delete', file).code).toBe(0)
    expect(inside('delete', file).stderr).toContain(`there is no graph e2e-${process.pid} here`)
  })

  test.each(['tcx', 'clsact'])('attached by %s, then again by what the kernel prefers', (how) => {
    const file = graphFile(GRAPH)
    expect(inside('apply', file, '--attach', how).code).toBe(0)
    const ping = () => from(HOSTS[0], 'ping', '-c', '2', '-i', '0.2', '-W', '10', '10.78.0.3')
    expect(ping().code).toBe(0)
    expect(inside('apply', file).code).toBe(0)
    expect(ping().code).toBe(0)
    expect(inside('show', `e2e-${process.pid}`).stdout.match(/ up /g)).toHaveLength(3)
    expect(inside('delete', file).code).toBe(0)
  })

  test('from TC to XDP and back, and pings pass all the time', async () => {
    const file = graphFile(GRAPH)
    expect(inside('apply', file).code).toBe(0)
    const pinging = inNamespace(HOSTS[0]?.ns ?? '', () =>
      spawn('ping', ['-i', '0.05', '10.78.0.3'], { stdio: ['ignore', 'pipe', 'ignore'] }),
    )
    const output = text(pinging.stdout)
    const there = inside('apply', file, '--attach', 'xdp')
    expect(there.stdout).toContain(`+ program  e2e-${process.pid}/sw/xdp/a on p-a (xdp generic, `)
    expect(there.stdout).toContain(`- program  e2e-${process.pid}/sw/links/a`)
    expect(inside('show', `e2e-${process.pid}`).stdout).toContain('by xdp generic')
    expect(inside('apply', graphFile(`attach: xdp\n${GRAPH}`)).stdout).toContain('nothing to change')
    expect(from(HOSTS[1], 'ping', '-c', '1', '-W', '10', 'ff02::1%eth0').code).toBe(0)
    const back = inside('apply', graphFile(GRAPH))
    expect(back.stdout).toContain(`- program  e2e-${process.pid}/sw/xdp/a`)
    pinging.kill('SIGINT')
    expect(unanswered(await output)).toEqual([])
    expect(from(HOSTS[0], 'ping', '-c', '1', '10.78.0.3').code).toBe(0)
    expect(inside('delete', file).code).toBe(0)
  })

  test('pings in fragments pass', () => {
    const file = graphFile(GRAPH)
    expect(inside('apply', file).code).toBe(0)
    const ping = from(HOSTS[0], 'ping', '-c', '3', '-i', '0.2', '-W', '10', '-s', '8000', '10.78.0.2')
    expect(ping.stdout).toContain(' 0% packet loss')
    expect(inside('delete', file).code).toBe(0)
  })

  /** What the receiver of the second host says of traffic from the first. */
  async function iperf(...words: readonly string[]): Promise<{ bytes: number; lost_percent?: number }> {
    const server = inNamespace(HOSTS[1]?.ns ?? '', () =>
      spawn('iperf3', ['-s', '-1', '--forceflush'], { stdio: ['ignore', 'pipe', 'ignore'] }),
    )
    await once(server.stdout, 'data')
    const client = from(HOSTS[0], 'iperf3', '-c', '10.78.0.2', '-J', ...words)
    await once(server, 'exit')
    return (JSON.parse(client.stdout) as { end: { sum_received: { bytes: number } } }).end.sum_received
  }

  test.skipIf(!isThere('iperf3'))('iperf3 moves TCP (needs iperf3)', async () => {
    const file = graphFile(GRAPH)
    expect(inside('apply', file).code).toBe(0)
    expect((await iperf('-n', '20M', '-w', '256K')).bytes).toBeGreaterThan(15_000_000)
    expect(inside('delete', file).code).toBe(0)
  })

  test.skipIf(!isThere('iperf3'))('iperf3 moves UDP by XDP (needs iperf3)', async () => {
    const file = graphFile(GRAPH)
    expect(inside('apply', file, '--attach', 'xdp').code).toBe(0)
    // Senders leave these checksums to hardware that veths do not have. A second of it: in less, iperf3 may take its end for its beginning.
    const { bytes, lost_percent } = await iperf('-u', '-t', '1', '-b', '5M')
    expect({ bytes: bytes > 100_000, lost_percent }).toEqual({ bytes: true, lost_percent: 0 })
    expect(inside('delete', file).code).toBe(0)
  })

  test.each([
    { wrong: 'an unknown cube', change: ['cube: bridge', 'cube: brigde'], says: ':4:11: there is no cube "brigde"' },
    { wrong: 'a misspelt key', change: ['ports:', 'prots:'], says: ':5:5: "prots" is not known here' },
    {
      wrong: 'a misspelt setting',
      change: ['p-b }', 'p-b, lerning: no }'],
      says: ':7:28: "lerning" is not known here',
    },
    { wrong: 'a port used twice', change: ['b: {', 'a: {'], says: ':7:7: this name is used twice' },
    { wrong: 'an interface used twice', change: ['p-b', 'p-a'], says: ':7:23: the interface p-a is used twice' },
    { wrong: 'an interface that does not exist', change: ['p-b', 'p-x'], says: ':7:23: there is no interface p-x' },
    { wrong: 'no YAML', change: ['ports:', 'ports: ]'], says: ':5:' },
  ])('$wrong: one clear message, and nothing happens', ({ change: [old = '', fresh = ''], says }) => {
    const ended = inside('apply', graphFile(GRAPH.replace(old, fresh)))
    expect(ended.stderr).toContain(`graph.yaml${says}`)
    expect(ended.code).toBe(1)
  })

  test('an interface that is down', () => {
    inNamespace(NS, () => changeLink('p-b', { up: false }))
    const ended = inside('apply', graphFile(GRAPH))
    inNamespace(NS, () => changeLink('p-b', { up: true }))
    expect(ended.stderr).toContain('graph.yaml:7:23: the interface p-b is down')
    expect(ended.stderr).toContain('ip link set p-b up')
    expect(ended.code).toBe(1)
  })

  test('an interface that another graph has', () => {
    const file = graphFile(GRAPH)
    expect(inside('apply', file).code).toBe(0)
    const other = inside('apply', graphFile(GRAPH.replace('graph: e2e', 'graph: other')))
    expect(other.stderr).toContain(`belongs to graph e2e-${process.pid}`)
    expect(other.code).toBe(1)
    expect(inside('delete', `e2e-${process.pid}`).code).toBe(0)
  })

  test.skipIf(!isThere('tc'))('an interface with a program of somebody else (needs tc)', () => {
    inNamespace(NS, () => {
      run('tc', 'qdisc', 'add', 'dev', 'p-b', 'clsact')
      const filter = ['protocol', 'ip', 'u32', 'match', 'u32', '0', '0']
      expect(run('tc', 'filter', 'add', 'dev', 'p-b', 'ingress', ...filter)).toMatchObject({ code: 0 })
    })
    const ended = inside('apply', graphFile(GRAPH))
    inNamespace(NS, () => run('tc', 'qdisc', 'del', 'dev', 'p-b', 'clsact'))
    expect(ended.stderr).toContain('graph.yaml:7:23: the interface p-b already has a program of somebody else')
    expect(ended.code).toBe(1)
  })

  test.skipIf(!isThere('ip'))('a mount namespace that ends with the command (needs ip)', () => {
    const ended = run('ip', 'netns', 'exec', NS, process.execPath, TESSERA, 'apply', graphFile(GRAPH))
    expect(ended.stderr).toContain('would not outlive this command')
    expect(ended.stderr).toContain('nsenter --net=/run/netns/NAME')
    expect(ended.code).toBe(1)
  })

  test.skipIf(!isThere('setpriv'))('missing capabilities (needs setpriv)', () => {
    const words = [process.execPath, TESSERA, 'apply', graphFile(GRAPH)]
    const ended = inNamespace(NS, () => run(...NOBODY, ...words))
    expect(ended.stderr).toContain('CAP_BPF and CAP_NET_ADMIN are missing')
    expect(ended.stderr).toContain('--machine vm')
    expect(ended.code).toBe(1)
  })

  test('killed at any moment, the next apply or delete cleans up', { timeout: 300_000 }, async () => {
    const file = graphFile(GRAPH)
    const start = performance.now()
    expect(inside('apply', file).code).toBe(0)
    const whole = performance.now() - start
    expect(inside('delete', file).code).toBe(0)
    // Before the first third is over, Node.js starts and modules are read.
    for (const [round, part] of [0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1].entries()) {
      const child = inNamespace(NS, () =>
        spawn(process.execPath, [TESSERA, 'apply', file], { cwd: ROOT, stdio: 'ignore' }),
      )
      const killer = setTimeout(() => child.kill('SIGKILL'), whole * part)
      await once(child, 'exit')
      clearTimeout(killer)
      const next = round % 2 === 0 ? inside('apply', file) : inside('delete', file)
      const nothingYet = next.stderr.includes('there is no graph')
      expect(next.code, next.stderr).toBe(nothingYet ? 1 : 0)
      if (round % 2 === 0) {
        expect(from(HOSTS[0], 'ping', '-c', '1', '-W', '10', '10.78.0.3').code).toBe(0)
        expect(inside('delete', file).code).toBe(0)
      }
      expect(inNamespace(NS, () => settled(clean))).toEqual(clean)
    }
  })
})
