/** Control planes in threads of their own: what becomes of packets, and of others, while one of them fails. */
import { readdirSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import type { ControlHappened } from '../../src/daemon/control-planes.ts'
import { HANGS, THROWS } from '../../src/testing/cubes/clerk/schema.ts'
import { type GraphLab, type Output, openGraphLab, packet } from '../../src/testing/index.ts'
import { whyNot } from './host.ts'

const graph = `
graph: office
instances:
  left: { cube: ./clerk, ports: { alice: { interface: eth1 }, bob: { interface: eth2 } } }
  right: { cube: ./clerk, ports: { carol: { interface: eth3 }, dave: { interface: eth4 } } }
`
const [ALICE, BOB, CAROL, DAVE, EVE] = [1, 2, 3, 4, 5].map((number) => `02:00:00:00:00:0${number}`) as [
  string,
  string,
  string,
  string,
  string,
]
const frame = (source: string, destination: string) => packet().ethernet({ source, destination }).ipv4().udp().bytes()
const descriptors = () => readdirSync('/proc/self/fd').length

/** What one frame comes out as, now or when a control plane has decided. */
async function outcome(lab: GraphLab, at: string, sent: Uint8Array): Promise<Output> {
  const now = lab.send(at, sent)
  return Object.keys(now).length > 0 ? now : await lab.receive(1)
}

/** Alice and Bob are known. */
async function acquaint(lab: GraphLab): Promise<void> {
  const [hello, answer] = [frame(ALICE, BOB), frame(BOB, ALICE)]
  expect(await outcome(lab, 'eth1', hello)).toEqual({ eth2: [hello] })
  expect(await outcome(lab, 'eth2', answer)).toEqual({ eth1: [answer] })
}

const reason = whyNot()
describe.skipIf(reason !== undefined)(
  `control planes in threads${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    /** One that hangs is waited for; one that is slow on a busy machine is not taken for it. */
    const open = async (patience = 60_000) => {
      const lab = await openGraphLab('kernel', { graph })
      const told: string[] = []
      const tell = ({ kind, instance, text }: ControlHappened) => void told.push(`${kind} ${instance}: ${text}`)
      const planes = await lab.control({ patience, wait: { first: 20, most: 200 }, tell })
      const of = (instance: string) => planes.status().find((one) => one.instance === instance)
      const running = (instance: string, restarts: number) =>
        vi.waitFor(() => expect(of(instance)).toMatchObject({ state: 'running', restarts }), { timeout: 60_000 })
      await running('left', 0)
      await running('right', 0)
      return { lab, of, running, told }
    }

    test.each([
      ['throws', THROWS, /this address was expected/, undefined],
      ['hangs', HANGS, /it did not answer for 5000 ms/, 5_000],
    ] as const)(
      'neither packets nor others notice that one %s, and it is started anew',
      async (_, address, why, patience) => {
        const { lab, of, running, told } = await open(patience)
        using _lab = lab
        await acquaint(lab)
        const before = descriptors()
        lab.send('eth1', frame(address, BOB))
        const [known, others] = [frame(ALICE, BOB), frame(CAROL, DAVE)]
        for (let times = 0; times < 10; times++) expect(lab.send('eth1', known)).toEqual({ eth2: [known] })
        expect(await outcome(lab, 'eth3', others)).toEqual({ eth4: [others] })
        await vi.waitFor(() => expect(of('left')?.failure).toMatch(why), { timeout: 60_000 })
        await running('left', 1)
        expect(told).toEqual([
          expect.stringMatching(/^control\.failed left: the control plane of .*\/left failed: .+$/),
          expect.stringMatching(/^control\.restarted left: the control plane of .*\/left runs again$/),
        ])
        expect(of('right')).toMatchObject({ state: 'running', restarts: 0, failure: undefined })
        expect(descriptors()).toBeLessThanOrEqual(before)
        const later = frame(EVE, BOB)
        expect(await outcome(lab, 'eth1', later)).toEqual({ eth2: [later] })
      },
    )

    test('what is punted meanwhile waits for the next one', async () => {
      const { lab, of, running } = await open()
      using _lab = lab
      await acquaint(lab)
      lab.send('eth1', frame(THROWS, BOB))
      await vi.waitFor(() => expect(of('left')?.failure).toBeDefined(), { timeout: 60_000 })
      const later = frame(EVE, BOB)
      expect(await outcome(lab, 'eth1', later)).toEqual({ eth2: [later] })
      await running('left', 1)
    })
  },
)
