import { expect, test } from 'vitest'
import { assemble, load, verdict } from '../backend/assemble.ts'
import { closing, opening } from '../backend/suite/frame.ts'
import { openVirtualMachine } from '../vm/machine.ts'
import { ReplayWires } from './replay-wires.ts'

const link = { to: 'interface', interface: 'eth0' } as const
const PORT = { instance: 'one', port: 'left', interface: 'eth0', name: 'left', link }

/** Reads a byte that no packet of less than 80 bytes has, without asking. */
const FAULTY = [opening('tc', 20), load(1, 'r0', 'r7', 79), verdict(0), closing]

function open() {
  const machine = openVirtualMachine()
  machine.addInterface('eth0', { mac: '02:00:00:00:00:01' })
  return { machine, wires: new ReplayWires(machine, [PORT], () => undefined) }
}

const counts = () => ({ packets: 0n, bytes: 0n, truncated: 0, late: 0, skipped: 0 })
const frame = (length: number, time = 0n) => ({ time, bytes: new Uint8Array(length), length })

test('a fault is counted, with the frame where it happened first, and the next frame goes on', () => {
  const { machine, wires } = open()
  using program = machine.load(assemble('faulty', 'tc', FAULTY), {})
  using _attached = machine.attach(program, machine.interface('eth0')!, 'on', 'tc ingress')
  const given = counts()
  for (const length of [80, 60, 80, 61, 62]) wires.put(frame(length), PORT, given)
  expect(given).toMatchObject({ packets: 5n, bytes: 343n })
  expect(wires.counts(PORT)).toEqual({ packets: 0n, bytes: 0n, passed: 2, faults: 3 })
  expect(wires.faults()).toMatchObject([{ port: 'left', count: 3, frame: 2 }])
  expect(wires.faults()[0]?.message).toMatch(
    /program "faulty", instruction \d+ .*: reads 1 byte at packet\+79, but the packet has 60/,
  )
})

test('the clock moves by the difference of times, and not back', () => {
  const { machine, wires } = open()
  const start = machine.clock.now()
  const given = counts()
  for (const time of [1_000_000n, 1_000_500n, 900n, 1_000_700n]) wires.put(frame(60, time), PORT, given)
  expect(machine.clock.now()).toBe(start + 700n)
  expect(given.late).toBe(1)
  expect([wires.first, wires.last]).toEqual([1_000_000n, 1_000_700n])
})

test('what is passed to the host is counted, and not kept', () => {
  const { machine, wires } = open()
  for (let count = 0; count < 3; count++) wires.put(frame(60), PORT, counts())
  expect(wires.counts(PORT).passed).toBe(3)
  expect(machine.passed).toEqual([])
})
