/** Graphs of one name: of two Tesseras in one network namespace, and looked at from another namespace. */
import { existsSync, mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { scratch } from '../../src/kernel/fixtures.ts'
import { inNamespace } from '../../src/kernel/namespace.ts'
import { links } from '../../src/kernel/netlink/link.ts'
import { INSTANCE } from '../../src/kernel/places.ts'
import { type Ended, ROOT, run, snapshot, TESSERA, tessera, whyNot } from './host.ts'
import { useHosts } from './hosts.ts'

const NS = scratch('beside')
const GRAPH = `beside-${process.pid}`
const SECOND = `${INSTANCE}-b`
const HOSTS = ['a', 'b', 'c', 'd'].map((name, index) => ({ ns: `${NS}-${name}`, port: `p-${name}`, number: index + 1 }))

const folder = mkdtempSync(join(tmpdir(), 'tessera-beside-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A hub that makes copies for two others, of which one has the way on. */
function graphFile(from: string, to: string): string {
  const file = join(folder, `${from}.yaml`)
  const hub = `${ROOT}/examples/hub`
  writeFileSync(
    file,
    `graph: ${GRAPH}
instances:
  core: { cube: ${hub}, ports: { a: { interface: ${from} }, way: { to: way.in }, other: { to: other.in } } }
  way: { cube: ${hub}, ports: { in: {}, b: { interface: ${to} } } }
  other: { cube: ${hub}, ports: { in: {} } }
`,
  )
  return file
}

const inside = (...words: readonly string[]): Ended => inNamespace(NS, () => tessera(...words))
const ofSecond = (...words: readonly string[]): Ended =>
  inNamespace(NS, () => run('env', `TESSERA_INSTANCE=${SECOND}`, process.execPath, TESSERA, ...words))

/** Whether the first of two hosts has answers from the other one. */
const pings = (from: number, to: number): boolean =>
  inNamespace(HOSTS[from]?.ns ?? '', () => run('ping', '-c', '3', '-i', '0.2', '-W', '5', `10.84.0.${to + 1}`)).code ===
  0

const reason = whyNot('ping')

describe.skipIf(reason !== undefined)(`beside each other${reason === undefined ? '' : ` (${reason})`}`, () => {
  useHosts(NS, HOSTS, '10.84.0')
  afterAll(() => {
    const own = `/run/tessera-${SECOND}`
    if (existsSync(own) && readdirSync(own).length === 0) rmdirSync(own)
  })

  test('two Tesseras have each a graph of one name, and the one goes without the other', () => {
    expect(inside('apply', graphFile('p-a', 'p-b'))).toMatchObject({ code: 0, stderr: '' })
    expect(ofSecond('apply', graphFile('p-c', 'p-d'))).toMatchObject({ code: 0, stderr: '' })
    expect([pings(0, 1), pings(2, 3)]).toEqual([true, true])
    expect(ofSecond('delete', GRAPH)).toMatchObject({ code: 0, stderr: '' })
    expect([pings(0, 1), pings(2, 3)]).toEqual([true, false])
    expect(inside('delete', GRAPH)).toMatchObject({ code: 0, stderr: '' })
  })

  test.each(['tcx', 'clsact'])('a graph on %s is deleted from another network namespace, whole', (attach) => {
    const there = () => inNamespace(NS, () => [...snapshot(), ...links().map(({ name }) => name)])
    const before = there()
    expect(inside('apply', graphFile('p-a', 'p-b'), '--attach', attach)).toMatchObject({ code: 0, stderr: '' })
    expect(pings(0, 1)).toBe(true)
    expect(tessera('delete', GRAPH, '--dry-run').stdout.match(/^- program/gm)).toHaveLength(3)
    expect(tessera('delete', GRAPH)).toMatchObject({ code: 0, stderr: '' })
    expect(there().filter((line) => !line.startsWith('program '))).toEqual(
      before.filter((line) => !line.startsWith('program ')),
    )
    expect(pings(0, 1)).toBe(false)
  })
})
