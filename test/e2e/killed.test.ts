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

const graphFile = (name: string, instances: string): string => {
  const file = join(folder, `${name}.yaml`)
  writeFileSync(file, `graph: ${GRAPH}\ninstances:\n${instances}`)
  return file
}

/** Cubes that forward from port to port, and note who sends, each in a table of its own layout. */
const pair = (cube: string): string => `  pair:
    cube: ${ROOT}/test/cubes/${cube}
    ports: { a: { interface: p-a }, b: { interface: p-b } }
`
/** One that floods to others, of which one has the way on, and may be a bridge: for each of them it makes copies. */
const flood = (others: readonly string[], agingTime?: number): string => `  core:
    cube: ${ROOT}/examples/hub
    ports: { a: { interface: p-a }, way: { to: way.in }, ${others.map((name) => `${name}: {}`).join(', ')} }
  way: { ${cubeOfWay(agingTime)}, ports: { in: {}, b: { interface: p-b } } }
${others.map((name) => `  ${name}: { cube: ${ROOT}/examples/hub, ports: { in: { to: core.${name} }, out: {} } }\n`).join('')}`

const cubeOfWay = (agingTime: number | undefined): string =>
  agingTime === undefined ? `cube: ${ROOT}/examples/hub` : `cube: bridge, config: { agingTime: ${agingTime} }`

/** Graph files that take each other's place, what is shown of either, and operations at which their process is killed. */
const CASES = [
  {
    what: 'with state',
    files: ['pair-narrow', 'pair-wide'].map((cube) => graphFile(cube, pair(cube))),
    shows: /pair: [\s\S]* up [\s\S]* up [\s\S]*senders: 2/,
    operations: Array.from({ length: 7 }, (_, round) => 4 + round * 15),
  },
  {
    what: 'with copies of packets',
    files: [['left'], ['left', 'right']].map((others) => graphFile(others.join('-'), flood(others))),
    shows: /core: [\s\S]*p-a +up [\s\S]*p-b +up [\s\S]*left: /,
    operations: Array.from({ length: 5 }, (_, round) => 4 + round * 23),
  },
  {
    what: 'with programs that are exchanged',
    files: [300, 400].map((agingTime) => graphFile(`aging-${agingTime}`, flood(['left', 'right'], agingTime))),
    shows: /core: [\s\S]*p-a +up [\s\S]*p-b +up [\s\S]*left: /,
    exchanges: true,
    operations: Array.from({ length: 4 }, (_, round) => 4 + round * 13),
  },
]

const reason = whyNot('ping')

describe.skipIf(reason !== undefined)(`kill -9${reason === undefined ? '' : ` (${reason})`}`, () => {
  useHosts(NS, HOSTS, '10.79.0')
  describe.each(CASES)('of a graph $what', ({ what, files, shows, exchanges = false, operations }) => {
    let pinging: ChildProcess
    /** A file, for this process does not read all the time. */
    const answers = openSync(join(folder, what), 'w')

    beforeAll(() => {
      expect(inNamespace(NS, () => tessera('apply', files[0] ?? ''))).toMatchObject({ code: 0, stderr: '' })
      const planned = inNamespace(NS, () => tessera('apply', files[1] ?? '', '--dry-run')).stdout
      expect(/^~ program .*\[\d+\]/m.test(planned)).toBe(exchanges)
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
      const words = ['--import', 'tsx', join(import.meta.dirname, 'killed/changes.ts'), ...files]
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
      expect(shown.stdout, when).toMatch(shows)
      expect(
        snapshot().filter((line) => line.includes(OWN_NAME) && /@(next|seen)|graphs\/.*new/.test(line)),
        when,
      ).toEqual([])
    }

    test('at operations of the machine, and at any time: no packet and no entry is lost', async () => {
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
      const said = readFileSync(join(folder, what), 'utf8')
      expect(said).not.toContain('DUP!')
      expect(unanswered(said)).toEqual([])
      inNamespace(HOSTS[0]?.ns ?? '', () => expect(run('ping', '-c', '1', '10.79.0.2').code).toBe(0))
    }, 400_000)
  })
})
