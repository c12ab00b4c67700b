/**
 * The daemon is killed at random moments of upgrades of a cube that graphs use: the cube is the one of before or the new one, the graphs
 * run that one, their state is there, and of the other nothing is left. `TESSERA_UPGRADES=100` for more of them.
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ProblemError } from '../../src/api/problem.ts'
import { scratch } from '../../src/kernel/fixtures.ts'
import { createNamespace, inNamespace, removeNamespace } from '../../src/kernel/namespace.ts'
import { changeLink, createVeth } from '../../src/kernel/netlink/link.ts'
import { DaemonProcess } from './daemon/process.ts'
import { ROOT, settled, snapshot, whyNot } from './host.ts'

const UPGRADES = Number(process.env.TESSERA_UPGRADES ?? 3)
const NS = scratch('uk')
const GRAPHS = ['red', 'green']
const TALKER = '02:00:00:00:00:07'
/** Milliseconds: what a machine that may be busy takes for all of it. */
const PATIENCE = 1_200_000

const documentOf = (graph: string) => ({
  graph,
  instances: { h: { cube: 'hub', ports: { a: { interface: `${graph}-a` }, b: { interface: `${graph}-b` } } } },
})

const TEST = `import { expect, test } from 'vitest'
test('is there', () => expect(1).toBe(1))
`

const reason = whyNot()

describe.skipIf(reason !== undefined)(`kill -9 in an upgrade${reason === undefined ? '' : ` (${reason})`}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-upgrades-'))
  let before: string[]
  let daemon: DaemonProcess
  /** The one that was acknowledged, and the one that is on its way. */
  let [known, asked] = [0, 0]

  /** A folder with a version of the cube: its data plane, what it keeps of one and shows differ from any other's. */
  function versionOf(number: number): string {
    const at = join(folder, `version-${number}`)
    cpSync(join(ROOT, 'examples/hub'), at, { recursive: true })
    writeFileSync(join(at, 'cube.test.ts'), TEST)
    const edit = (name: string, from: string, to: string) => {
      const text = readFileSync(join(at, name), 'utf8')
      expect(text).toContain(from)
      writeFileSync(join(at, name), text.replace(from, to))
    }
    edit('schema.ts', 'entries: 1024', 'writable: true, entries: 1024')
    edit(
      'dataplane.ts',
      'if (!config.ipv4',
      `if (ethernet.type === ${0x9000 + number}) return drop('truncated')\n  if (!config.ipv4`,
    )
    edit('control.ts', 'talkers: ({', `version${number}: ({`)
    return at
  }

  const copies = () => readdirSync(join(daemon.folder, 'store/cubes')).filter((name) => name.startsWith('hub-'))

  beforeAll(async () => {
    before = snapshot()
    createNamespace(NS)
    inNamespace(NS, () => {
      for (const graph of GRAPHS) {
        createVeth({ name: `${graph}-a` }, { name: `${graph}-b` })
        for (const end of ['a', 'b']) changeLink(`${graph}-${end}`, { silent: true, up: true })
      }
    })
    daemon = new DaemonProcess(NS)
    await daemon.start()
    await daemon.client.addCube({ body: { path: versionOf(0) } })
    for (const graph of GRAPHS) {
      await daemon.client.putGraph({ graph, body: documentOf(graph) })
      await daemon.client.putEntry({ graph, instance: 'h', table: 'talkers', key: TALKER, body: { seen: '77' } })
    }
  }, PATIENCE)

  afterAll(async () => {
    await daemon.remove()
    removeNamespace(NS)
    rmSync(folder, { recursive: true })
    expect(settled(before)).toEqual(before)
  }, PATIENCE)

  /** All of one version: the one that was acknowledged, or the one that was asked for. */
  async function look(when: string): Promise<void> {
    const { body: cube } = await daemon.client.getCube({ cube: 'hub' })
    const now = Number(/^version(\d+)$/.exec(cube.views[0] ?? '')?.[1])
    expect([known, asked], when).toContain(now)
    expect(cube.from, when).toBe(join(folder, `version-${now}`))
    expect(copies(), when).toEqual([cube.folder.split('/').at(-1)])
    for (const graph of GRAPHS) {
      const { body: status } = await daemon.client.getGraphStatus({ graph })
      expect(Object.keys(status.instances[0]?.views ?? {}), `${graph}, ${when}`).toEqual([`version${now}`])
      const { body } = await daemon.client.putGraph({ graph, body: documentOf(graph), dryRun: true })
      expect(body.actions, `${graph}, ${when}`).toEqual([])
      const { body: entry } = await daemon.client.getEntry({ graph, instance: 'h', table: 'talkers', key: TALKER })
      expect(entry.value, `${graph}, ${when}`).toEqual({ seen: '77' })
    }
    const left = snapshot().filter((line) => line.includes(NS) && /@next|@seen|\.new/.test(line))
    expect(left, when).toEqual([])
    known = now
    asked = now
  }

  /** Resolves when the new version has been checked, or `isOver`. */
  async function checked(isOver: () => boolean): Promise<void> {
    const there = new Set(copies())
    while (!isOver() && copies().every((name) => there.has(name))) await setTimeout(1)
  }

  /** Processes that look at a cube for this daemon. */
  const checking = () =>
    readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid))
      .filter((pid) => environment(pid).includes(`HOME=${tmpdir()}/tessera-cube-`))

  test(`nothing is half new in ${UPGRADES} upgrades`, { timeout: PATIENCE }, async () => {
    await daemon.ready()
    await look('at first')
    let took = 0
    for (let round = 1; round <= UPGRADES; round++) {
      asked = round
      let isOver = false
      const began = performance.now()
      const upgrading = daemon.client
        .upgradeCube({ cube: 'hub', body: { path: versionOf(round) } })
        .then(
          () => {
            known = round
          },
          (error: unknown) => {
            if (error instanceof ProblemError) throw error
          },
        )
        .finally(() => {
          isOver = true
        })
      // While it is checked, and, for most of them, while the graphs go over to it.
      if (round % 3 === 0) await Promise.race([upgrading, setTimeout(Math.random() * took)])
      else {
        await checked(() => isOver)
        took = performance.now() - began
        await setTimeout(Math.random() * 60)
      }
      expect(await daemon.end('SIGKILL')).toBe('SIGKILL')
      await upgrading
      await expect.poll(checking).toEqual([])
      await daemon.start()
      await daemon.ready()
      await look(`killed in upgrade ${round}`)
    }
    const { body } = await daemon.client.upgradeCube({ cube: 'hub', body: { path: versionOf(UPGRADES + 1) } })
    expect(body.views).toEqual([`version${UPGRADES + 1}`])
    known = asked = UPGRADES + 1
    await look('at the end')
  })
})

/** Nothing of a process that has ended. */
function environment(pid: string): string {
  const file = `/proc/${pid}/environ`
  try {
    return existsSync(file) ? readFileSync(file, 'utf8') : ''
  } catch {
    return ''
  }
}
