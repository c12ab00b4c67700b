/** Somebody looks at a graph in the kernel with the tools of this field, and is killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scratch } from '../../src/kernel/fixtures.ts'
import { inNamespace } from '../../src/kernel/namespace.ts'
import { OWN_NAME } from '../../src/kernel/places.ts'
import { run, snapshot, TESSERA, tessera, whyNot } from './host.ts'
import { useHosts } from './hosts.ts'

const NS = scratch('look')
const GRAPH = `look-${process.pid}`
const HOSTS = ['a', 'b'].map((name, index) => ({ ns: `${NS}-${name}`, port: `p-${name}`, number: index + 1 }))
const folder = mkdtempSync(join(tmpdir(), 'tessera-look-'))
const file = join(folder, 'lan.yaml')
writeFileSync(
  file,
  `graph: ${GRAPH}
instances:
  left: { cube: bridge, ports: { alice: { interface: p-a }, up: { to: right.down } } }
  right: { cube: bridge, ports: { down: {}, bob: { interface: p-b } } }
`,
)
afterAll(() => rmSync(folder, { recursive: true }))

const reason = whyNot('ping', 'tcpdump', 'tshark')

describe.skipIf(reason !== undefined)(`looking at a graph${reason === undefined ? '' : ` (${reason})`}`, () => {
  useHosts(NS, HOSTS, '10.78.0')
  const ping = () => inNamespace(HOSTS[0]?.ns ?? '', () => run('ping', '-c', '2', '-i', '0.2', '-W', '5', '10.78.0.2'))
  const pinned = () => snapshot().filter((line) => /^(pin|file)/.test(line) && line.includes(OWN_NAME))
  const start = (...words: readonly string[]): ChildProcess =>
    inNamespace(NS, () => spawn(process.execPath, [TESSERA, ...words], { stdio: ['ignore', 'pipe', 'pipe'] }))

  /** Looks, and pings when it does: what was written. */
  async function looking(...words: readonly string[]): Promise<Buffer> {
    const child = start(...words)
    const output = (async () => {
      const pieces: Buffer[] = []
      for await (const piece of child.stdout ?? []) pieces.push(piece as Buffer)
      return Buffer.concat(pieces)
    })()
    await once(child.stderr ?? child, 'data')
    expect(ping().code).toBe(0)
    return output
  }

  beforeAll(() => {
    expect(inNamespace(NS, () => tessera('apply', file)).code).toBe(0)
    ping()
  })

  afterAll(() => {
    expect(inNamespace(NS, () => tessera('delete', GRAPH)).code).toBe(0)
  })

  test('tcpdump reads what is captured as it comes, and tshark what is said about it', async () => {
    const words = ['capture', GRAPH, 'alice', 'right', '-f', 'icmp and host 10.78.0.2', '-c', '6', '-w', '-']
    const captured = await looking(...words)
    writeFileSync(join(folder, 'seen.pcapng'), captured)
    const shown = run('tcpdump', '-nn', '-t', '-r', join(folder, 'seen.pcapng')).stdout.trimEnd().split('\n')
    expect(shown[0]).toMatch(/^IP 10\.78\.0\.1 > 10\.78\.0\.2: ICMP echo request/)
    const fields = run('tshark', '-r', join(folder, 'seen.pcapng'), '-T', 'fields', '-e', 'frame.comment').stdout
    const way = ['left:alice in', 'right:down in', 'right:bob out', 'right:bob in', 'right:down out', 'left:alice out']
    expect(fields.trimEnd().split('\n')).toEqual(way)
  })

  test('a packet is followed through both cubes', async () => {
    const traced = (await looking('trace', GRAPH, '--source', '10.78.0.1', '--protocol', 'icmp', '-c', '1')).toString()
    expect(traced).toMatch(/left:alice in\n[\s\S]*dataplane\.ts:24 {2}forward\(station\.port\)\n[\s\S]*left:up out\n/)
    expect(traced).toMatch(/right:down in\n[\s\S]*right took \d+ ns, with what tracing takes\n {2}left by right:bob\n/)
  })

  test.each(['capture', 'capture -w -', 'trace'])('who reads no more of %s leaves nothing', async (line) => {
    const [verb = '', ...rest] = line.split(' ')
    const plain = pinned()
    const child = start(verb, GRAPH, ...rest)
    const closed = once(child, 'close')
    await once(child.stderr ?? child, 'data')
    child.stdout?.destroy()
    expect(ping().code).toBe(0)
    await closed
    expect(pinned()).toEqual(plain)
  })

  test('who is killed leaves programs that work, and the next command puts the plain ones back', async () => {
    const plain = pinned()
    const child = start('capture', GRAPH)
    await once(child.stderr ?? child, 'data')
    expect(inNamespace(NS, () => tessera('capture', GRAPH)).stderr).toContain(
      `somebody looks at graph ${GRAPH} already`,
    )
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(ping().code).toBe(0)
    expect(inNamespace(NS, () => tessera('show', GRAPH)).code).toBe(0)
    expect(ping().code).toBe(0)
    expect(pinned()).toEqual(plain)
  })
})
