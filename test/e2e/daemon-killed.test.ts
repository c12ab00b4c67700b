/**
 * The daemon is killed at random moments of many changes, again and again: what was acknowledged is there, and nothing is that
 * nobody wants. `TESSERA_CHANGES=1000` for more of them.
 */
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ProblemError } from '../../src/api/problem.ts'
import type { GraphDocument } from '../../src/cube/document.ts'
import { scratch } from '../../src/kernel/fixtures.ts'
import { createNamespace, inNamespace, removeNamespace } from '../../src/kernel/namespace.ts'
import { changeLink, createVeth } from '../../src/kernel/netlink/link.ts'
import { DaemonProcess } from './daemon/process.ts'
import { ROOT, settled, snapshot, whyNot } from './host.ts'

const CHANGES = Number(process.env.TESSERA_CHANGES ?? 60)
/** A process that is killed and started again costs more than a change. */
const CHANGES_EACH = 20
const GRAPHS = ['red', 'green', 'blue']
const NS = scratch('dk')

/** Documents of a graph, one after the other: other configurations, other cubes, other layouts of tables, one port more. */
function document(graph: string, number: number): GraphDocument {
  const [a, b] = [{ interface: `${graph}-a` }, { interface: `${graph}-b` }]
  const cube = (name: string) => `${ROOT}/test/cubes/${name}`
  const instances = [
    { s: { cube: 'bridge', config: { agingTime: 60 + number }, ports: { a, b } } },
    { s: { cube: cube('pair-narrow'), ports: { a, b } } },
    { s: { cube: cube('pair-wide'), ports: { a, b } } },
    { s: { cube: 'bridge', config: { agingTime: 60 + number }, ports: { a, b, c: {} } } },
  ]
  return { graph, instances: instances[number % instances.length] ?? {} }
}

/** Nothing stands for a graph that is not wanted. */
type Wanted = GraphDocument | undefined

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await setTimeout(5)
}

const text = (wanted: Wanted): string => JSON.stringify(wanted) ?? 'nothing'

const reason = whyNot()

describe.skipIf(reason !== undefined)(`kill -9 of the daemon${reason === undefined ? '' : ` (${reason})`}`, () => {
  let before: string[]
  let daemon: DaemonProcess
  /** What was acknowledged last. */
  const known = new Map<string, Wanted>()
  /** What was asked for since, and not answered. */
  const asked = new Map<string, Wanted>()
  let acknowledged = 0

  beforeAll(() => {
    before = snapshot()
    createNamespace(NS)
    inNamespace(NS, () => {
      for (const graph of GRAPHS) {
        createVeth({ name: `${graph}-a` }, { name: `${graph}-b` })
        for (const end of ['a', 'b']) changeLink(`${graph}-${end}`, { silent: true, up: true })
      }
    })
    daemon = new DaemonProcess(NS)
  })

  afterAll(async () => {
    await daemon.remove()
    removeNamespace(NS)
    expect(settled(before)).toEqual(before)
  })

  /** Changes a graph until the daemon is gone, or enough was changed. */
  async function change(graph: string, isOver: () => boolean): Promise<void> {
    for (let number = acknowledged; !isOver(); number++) {
      const wanted = number % 7 === 6 ? undefined : document(graph, number)
      asked.set(graph, wanted)
      try {
        if (wanted !== undefined) await daemon.client.putGraph({ graph, body: wanted })
        else if (known.get(graph) !== undefined) await daemon.client.deleteGraph({ graph })
      } catch (error) {
        if (error instanceof ProblemError) throw error
        return
      }
      known.set(graph, wanted)
      asked.delete(graph)
      acknowledged++
    }
  }

  /** What is there, and runs, is what was acknowledged, or what was on its way. */
  async function look(when: string): Promise<void> {
    const { body: found } = await daemon.client.listGraphs()
    for (const graph of GRAPHS) {
      const may = [known.get(graph), ...(asked.has(graph) ? [asked.get(graph)] : [])].map(text)
      const summary = found.find(({ name }) => name === graph)
      const now = summary && (await daemon.client.getGraph({ graph })).body
      expect(may, `${graph}, ${when}`).toContain(text(now))
      known.set(graph, now)
      if (now === undefined) continue
      expect(summary, when).toMatchObject({ state: 'running' })
      const { body } = await daemon.client.putGraph({ graph, body: now, dryRun: true })
      expect(body.actions, `${graph}, ${when}`).toEqual([])
    }
    asked.clear()
    const left = snapshot().filter((line) => line.includes(NS) && /@next|@seen|\.new/.test(line))
    expect(left, when).toEqual([])
    const pinned = new Set(snapshot().flatMap((line) => line.match(`^pin /sys/fs/bpf/${NS}/([a-z]+)$`)?.[1] ?? []))
    expect([...pinned].sort(), when).toEqual(GRAPHS.filter((graph) => known.get(graph) !== undefined).sort())
  }

  test(`nothing that was acknowledged is lost in ${CHANGES} changes`, async () => {
    for (let round = 1; acknowledged < CHANGES; round++) {
      await daemon.start()
      await daemon.ready()
      await look(`after ${round - 1} kills`)
      const enough = acknowledged + CHANGES_EACH * (0.5 + Math.random())
      let isOver = false
      const changing = Promise.all(GRAPHS.map((graph) => change(graph, () => isOver)))
      await Promise.race([changing, until(() => isOver || acknowledged >= enough)])
      await setTimeout(Math.random() * 60)
      expect(await daemon.end('SIGKILL')).toBe('SIGKILL')
      isOver = true
      await changing
    }
    await daemon.start()
    await daemon.ready()
    await look('at the end')
    expect(acknowledged).toBeGreaterThanOrEqual(CHANGES)
  }, 1_200_000)
})
