/** A process is killed in the middle of changes, again and again, while packets pass. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scratch } from '../../src/kernel/fixtures.ts'
import { inNamespace } from '../../src/kernel/namespace.ts'
import { OWN_NAME } from '../../src/kernel/places.ts'
import { ROOT, run, snapshot, tessera, unanswered, whyNot } from './host.ts'
import { useHosts } from './hosts.ts'

const NS = scratch('kill')
const GRAPH = `kill-${process.pid}`
const HOSTS = ['a', 'b'].map((name, index) => ({ ns: `${NS}-${name}`, port: `p-${name}`, number: index + 1 }))

const folder = mkdtempSync(join(tmpdir(), 'tessera-killed-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The cubes forward from port to port, and note who sends, each in a table of its own layout. */
const FILES = ['pair-narrow', 'pair-wide'].map((cube) => {
  const file = join(folder, `${cube}.yaml`)
  const ports = HOSTS.map(({ port }) => `      ${port}: { interface: ${port} }\n`).join('')
  writeFileSync(
    file,
    `graph: ${GRAPH}\ninstances:\n  pair:\n    cube: ${ROOT}/test/cubes/${cube}\n    ports:\n${ports}`,
  )
  return file
})

const reason = whyNot('ping')

describe.skipIf(reason !== undefined)(`kill -9${reason === undefined ? '' : ` (${reason})`}`, () => {
  useHosts(NS, HOSTS, '10.79.0')
  let pinging: ChildProcess
  /** A file, for this process does not read all the time. */
  const answers = openSync(join(folder, 'answers'), 'w')

  beforeAll(() => {
    expect(inNamespace(NS, () => tessera('apply', FILES[0] ?? '')).code).toBe(0)
    // The first packets make the hosts known to each other.
    inNamespace(HOSTS[0]?.ns ?? '', () => run('ping', '-c', '2', '-i', '0.2', '10.79.0.2'))
    const started = inNamespace(HOSTS[0]?.ns ?? '', () =>
      spawn('ping', ['-i', '0.002', '10.79.0.2'], { stdio: ['ignore', answers, 'ignore'] }),
    )
    pinging = started
  })

  afterAll(() => {
    expect(inNamespace(NS, () => tessera('delete', GRAPH)).code).toBe(0)
  })

  async function killed(operation: number | undefined, after = 0): Promise<void> {
    const words = ['--import', 'tsx', join(import.meta.dirname, 'killed/changes.ts'), ...FILES]
    const child = inNamespace(NS, () =>
      spawn(process.execPath, operation === undefined ? words : [...words, String(operation)], {
        cwd: ROOT,
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    )
    const exit = once(child, 'exit')
    if (operation === undefined) {
      await once(child.stdout, 'data')
      await setTimeout(after)
      child.kill('SIGKILL')
    }
    expect((await exit)[1]).toBe('SIGKILL')
  }

  /** What is there after the next command has looked: all of the one graph or of the other. */
  function look(when: string): void {
    const shown = inNamespace(NS, () => tessera('show', GRAPH))
    expect(shown, when).toMatchObject({ code: 0, stderr: '' })
    expect(shown.stdout.match(/ up /g), when).toHaveLength(2)
    expect(shown.stdout, when).toContain('senders: 2')
    expect(
      snapshot().filter((line) => line.includes(OWN_NAME) && /@(next|seen)|graphs\/.*new/.test(line)),
      when,
    ).toEqual([])
  }

  test('at operations of the machine, and at any time: no packet and no entry is lost', async () => {
    const operations = Array.from({ length: 7 }, (_, round) => 4 + round * 15)
    for (const operation of operations) {
      await killed(operation)
      look(`killed at operation ${operation}`)
    }
    for (const after of [3, 20, 50]) {
      await killed(undefined, after)
      look(`killed after ${after} ms`)
    }
    pinging.kill('SIGINT')
    await once(pinging, 'exit')
    expect(unanswered(readFileSync(join(folder, 'answers'), 'utf8'))).toEqual([])
    inNamespace(HOSTS[0]?.ns ?? '', () => expect(run('ping', '-c', '1', '10.79.0.2').code).toBe(0))
  }, 240_000)
})
