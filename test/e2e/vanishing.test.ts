/** Interfaces and network namespaces go and come back while `tessera apply --watch` runs. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { scratch } from '../../src/kernel/fixtures.ts'
import { createNamespace, inNamespace, removeNamespace } from '../../src/kernel/namespace.ts'
import { addAddress } from '../../src/kernel/netlink/address.ts'
import { changeLink, createVeth, deleteLink, findLink, linkNamed } from '../../src/kernel/netlink/link.ts'
import { run, TESSERA, tessera, whyNot } from './host.ts'
import { useHosts } from './hosts.ts'

const NS = scratch('gone')
const GRAPH = `gone-${process.pid}`
const HOSTS = ['a', 'b', 'c'].map((name, index) => ({ ns: `${NS}-${name}`, port: `p-${name}`, number: index + 1 }))
const [A, B, C] = HOSTS.map(({ ns }) => ns) as [string, string, string]

const folder = mkdtempSync(join(tmpdir(), 'tessera-gone-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'gone.yaml')
writeFileSync(
  file,
  `graph: ${GRAPH}
instances:
  sw:
    cube: bridge
    ports:
      a: { interface: p-a }
      b: { interface: p-b }
      c: { interface: eth0, namespace: ${C} }
`,
)

/** How many of five pings are answered. */
const answered = (from: string, to: number): number =>
  inNamespace(from, () => run('ping', '-c', '5', '-i', '0.1', '-W', '5', `10.82.0.${to}`)).stdout.match(/bytes from/g)
    ?.length ?? 0

const indexOf = (name: string): number => inNamespace(NS, () => linkNamed(name).index)

/** Its address is another one on the wire, or elsewhere: whoever asks for it makes it known to the bridge again. */
function forgetNeighbours(): void {
  for (const { ns } of HOSTS) inNamespace(ns, () => run('ip', 'neigh', 'flush', 'all'))
}

/** The wire to a host, whose namespace is there. */
function plug({ ns, port, number }: (typeof HOSTS)[number]): void {
  inNamespace(NS, () => {
    createVeth({ name: port }, { name: 'eth0', namespace: ns })
    changeLink(port, { silent: true, up: true })
  })
  inNamespace(ns, () => {
    changeLink('eth0', { up: true })
    addAddress('eth0', `10.82.0.${number}/24`)
  })
  forgetNeighbours()
}

const PATIENT = { timeout: 60_000, interval: 20 }
const reason = whyNot('ping')

describe.skipIf(reason !== undefined)(`what vanishes${reason === undefined ? '' : ` (${reason})`}`, () => {
  useHosts(NS, HOSTS, '10.82.0')
  let watching: ChildProcessByStdio<null, Readable, null>
  let said = ''

  beforeEach(async () => {
    said = ''
    watching = inNamespace(NS, () =>
      spawn(process.execPath, [TESSERA, 'apply', file, '--watch'], { stdio: ['ignore', 'pipe', 'inherit'] }),
    )
    watching.stdout.on('data', (piece: Buffer) => {
      said += piece.toString()
    })
    await told('runs; tessera show')
    for (const [from, to] of PAIRS) expect(answered(from, to)).toBe(5)
  })
  afterEach(async () => {
    watching.kill('SIGINT')
    expect(await once(watching, 'exit')).toEqual([0, null])
    expect(inNamespace(NS, () => tessera('delete', GRAPH)).code).toBe(0)
  })

  /** Everybody to everybody. */
  const PAIRS = [
    [A, 2],
    [A, 3],
    [B, 3],
  ] as const

  const told = (what: string) => vi.waitFor(() => expect(said).toContain(what), PATIENT)
  const states = () => inNamespace(NS, () => tessera('show', GRAPH)).stdout.match(/\b(up|down|detached)\b/g)

  test('an interface goes, and another one has its name', async () => {
    const number = indexOf('p-b')
    inNamespace(NS, () => deleteLink('p-b'))
    await told(`- ${GRAPH}/sw/links/b`)
    expect(answered(A, 2)).toBe(0)
    expect(answered(A, 3)).toBe(5)
    expect(states()).toEqual(['up', 'detached', 'up'])
    said = ''
    inNamespace(NS, () => createVeth({ name: 'other' }, { name: 'other-end' }))
    plug(HOSTS[1] as (typeof HOSTS)[number])
    await told('+ program')
    expect(indexOf('p-b')).not.toBe(number)
    for (const [from, to] of PAIRS) expect(answered(from, to)).toBe(5)
    expect(states()).toEqual(['up', 'up', 'up'])
    inNamespace(NS, () => deleteLink('other'))
  })

  test('a network namespace goes, and another one has its name', async () => {
    removeNamespace(C)
    await told(`- ${GRAPH}/sw/links/c`)
    await vi.waitFor(() => expect(inNamespace(NS, () => findLink('p-c'))).toBeUndefined(), PATIENT)
    expect(answered(A, 3)).toBe(0)
    expect(answered(A, 2)).toBe(5)
    expect(states()).toEqual(['up', 'up', 'detached'])
    said = ''
    createNamespace(C)
    plug(HOSTS[2] as (typeof HOSTS)[number])
    await told('+ program')
    for (const [from, to] of PAIRS) expect(answered(from, to)).toBe(5)
  })

  test('two interfaces exchange their names', async () => {
    const numbers = ['p-a', 'p-b'].map(indexOf)
    const rename = (from: string, to: string) => {
      const { code, stderr } = inNamespace(NS, () => run('ip', 'link', 'set', from, 'name', to))
      expect(`${code} ${stderr}`).toBe('0 ')
    }
    rename('p-a', 'between')
    rename('p-b', 'p-a')
    rename('between', 'p-b')
    await vi.waitFor(() => expect(states()).toEqual(['up', 'up', 'up']), PATIENT)
    forgetNeighbours()
    for (const [from, to] of PAIRS) expect(answered(from, to)).toBe(5)
    expect(['p-b', 'p-a'].map(indexOf)).toEqual(numbers)
    rename('p-a', 'between')
    rename('p-b', 'p-a')
    rename('between', 'p-b')
  })
})
