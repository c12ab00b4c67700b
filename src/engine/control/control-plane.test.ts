import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import type { MachineMap } from '../../backend/machine.ts'
import { viewOf } from '../../base/bytes.ts'
import { type ControlPlane, control } from '../../cube/control.ts'
import { defineCube } from '../../cube/define.ts'
import { puntReasons } from '../../lang/index.ts'
import { OpenControlPlane } from './control-plane.ts'

const punts = { stranger: 'nobody knows the sender' }
const cube = defineCube('clerk', {
  summary: 'asks about everything',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {},
  drops: {},
  punts,
})
const record = new Uint8Array(puntReasons(punts)[0]?.at ?? 0)

/** A ring in which so many packets wait. */
function ringOf(waiting: number) {
  let ready = () => {}
  const drain: MachineMap['drain'] = (most, visit) => {
    const count = Math.min(most, waiting)
    for (let at = 0; at < count; at++) visit(record, viewOf(record), 0, record.length)
    waiting -= count
    return count
  }
  const watch = (told: () => void) => {
    ready = told
    return { [Symbol.dispose]() {} }
  }
  return { map: { drain, watch, [Symbol.dispose]() {} } as Partial<MachineMap> as MachineMap, ready: () => ready() }
}

test('a slow one sends what it has, and others have their turns, before it is done with what it took', async () => {
  const now = vi.spyOn(performance, 'now')
  let clock = 0
  now.mockImplementation(() => clock)
  const ring = ringOf(5)
  const happened: string[] = []
  using plane = new OpenControlPlane({
    machine: { openMap: () => ring.map, now: () => 0n },
    plane: control(cube, {
      onPunt(_, { send }) {
        clock += 1_000
        send(0, record)
      },
    }) as unknown as ControlPlane,
    ...{ graph: 'lan', instance: 'desk', config: {}, ports: { only: 0 }, queue: undefined, entries: undefined },
    timers: { after: () => ({ [Symbol.dispose]() {} }) },
    inject: (packets) => void happened.push(`sends ${packets.length}`),
    log: () => {},
    failed: () => {},
  })
  plane.run()
  ring.ready()
  while (happened.filter((one) => one.startsWith('sends')).length < 5) {
    happened.push('others')
    // What is ready already is told again, and changes nothing.
    ring.ready()
    await new Promise((resolve) => setImmediate(resolve))
  }
  now.mockRestore()
  expect(happened).toEqual(['sends 1', ...Array.from({ length: 4 }, () => ['others', 'sends 1']).flat()])
})
