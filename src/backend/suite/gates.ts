import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { viewOf } from '../../base/bytes.ts'
import { SK_BUFF, TC_ACT } from '../../isa/opcodes.ts'
import type { MapDescription, Program } from '../../isa/program.ts'
import { alu64, assemble, call, load, loadMap, mov, store, verdict } from '../assemble.ts'
import type { Machine, MachineMap } from '../machine.ts'
import { mapOf } from './layouts.ts'

const ring: MapDescription = { ...mapOf('ringbuf', 4096), key: { kind: 'struct', size: 0, align: 1, fields: [] } }

/** Tells its own number, the packet's mark and its length, and drops it. */
const telling = (number: number): Program =>
  assemble(
    'telling',
    'tc',
    [
      mov('r6', 'r1'),
      store(4, 'r10', -16, number),
      load(4, 'r2', 'r6', SK_BUFF.mark),
      store(4, 'r10', -12, 'r2'),
      load(4, 'r2', 'r6', SK_BUFF.len),
      store(4, 'r10', -8, 'r2'),
      loadMap('r1', 'ring'),
      mov('r2', 'r10'),
      alu64('add', 'r2', -16),
      mov('r3', 12),
      mov('r4', 0),
      call('ringbuf_output'),
      verdict(TC_ACT.shot),
    ],
    { maps: { ring }, stack: 16 },
  )

/** As many as are expected, unless they do not come within a minute. */
async function told(records: MachineMap, count: number): Promise<number[][]> {
  const found: number[][] = []
  for (let tries = 0; found.length < count && tries < 6000; tries++) {
    if (tries > 0) await setTimeout(10)
    for (const record of records.consume()) found.push([0, 4, 8].map((at) => viewOf(record).getUint32(at, true)))
  }
  return found
}

const NAME = `gate${process.pid}`
const frame = (length: number) => new Uint8Array(length).fill(2)

export function gateSuite(open: () => Machine): void {
  test('lead packets to the programs that are meant, and to nobody where there is none', async () => {
    using machine = open()
    using records = machine.createMap('ring', ring)
    using gate = machine.createGate(NAME, 8)
    for (const slot of [0, 5]) {
      using program = machine.load(telling(slot), { ring: records })
      gate.install(slot, program)
    }
    using sender = machine.openGate(NAME)
    if (sender === undefined) throw new Error('there is no gate')
    for (const [slot, length] of [
      [5, 100],
      [0, 1514],
      [5, 9014],
      [1, 100],
      [9, 100],
      [5, 60],
    ] as const)
      sender.send(slot, frame(length))
    expect(sender.flush()).toBe(0)
    expect(await told(records, 4)).toEqual([
      [5, 0, 100],
      [0, 0, 1514],
      [5, 0, 9014],
      [5, 0, 60],
    ])
  })

  test('take many packets, in their order', async () => {
    using machine = open()
    using records = machine.createMap('ring', ring)
    using gate = machine.createGate(NAME, 128)
    for (let slot = 0; slot < 100; slot++) {
      using program = machine.load(telling(slot), { ring: records })
      gate.install(slot, program)
    }
    using sender = machine.openGate(NAME)
    for (let slot = 0; slot < 100; slot++) sender?.send(slot, frame(60))
    sender?.flush()
    expect(await told(records, 100)).toEqual(Array.from({ length: 100 }, (_, slot) => [slot, 0, 60]))
  })

  test('give a slot to another program, and are gone when they are disposed', async () => {
    using machine = open()
    using records = machine.createMap('ring', ring)
    const gate = machine.createGate(NAME, 1)
    for (const number of [7, 8]) {
      using program = machine.load(telling(number), { ring: records })
      gate.install(0, program)
    }
    using sender = machine.openGate(NAME)
    sender?.send(0, frame(60))
    sender?.flush()
    expect(await told(records, 1)).toEqual([[8, 0, 60]])
    gate[Symbol.dispose]()
    expect(machine.openGate(NAME)).toBeUndefined()
  })

  test('are taken away by their name, as those are that nobody disposes of', () => {
    using machine = open()
    machine.removeGate(NAME)
    using _left = machine.createGate(NAME, 1)
    using other = machine.createGate(`${NAME}x`, 1)
    machine.removeGate(NAME)
    expect(machine.openGate(NAME)).toBeUndefined()
    using sender = machine.openGate(`${NAME}x`)
    expect([other, sender]).not.toContain(undefined)
  })
}
