import { describe, expect, test } from 'vitest'
import {
  alu64,
  assemble,
  call,
  exit,
  jump,
  load,
  loadMap,
  mov,
  type Step,
  store,
  verdict,
} from '../backend/assemble.ts'
import { closing, opening } from '../backend/suite/frame.ts'
import { parseMac } from '../base/address.ts'
import { concat } from '../base/bytes.ts'
import { Refusal } from '../base/diagnostic.ts'
import { REDIRECT, SK_BUFF, TC_ACT, XDP_ACTION, XDP_MD } from '../isa/opcodes.ts'
import { Fault } from './fault.ts'
import { SimulatedHost } from './host.ts'
import { openVirtualMachine, type VirtualMachine } from './machine.ts'
import type { Endpoint } from './network.ts'

const MAC = { left: '02:00:00:00:01:01', right: '02:00:00:00:01:02' }
const FRAME = concat(parseMac(MAC.left), parseMac(MAC.right), Uint8Array.of(0x88, 0xb5), new Uint8Array(20))

/** A machine with two interfaces, 1 `left` and 2 `right`, and what left each of them. */
function bench(options: Parameters<typeof openVirtualMachine>[0] = {}) {
  const machine = openVirtualMachine(options)
  machine.addInterface('left', { mac: MAC.left })
  machine.addInterface('right', { mac: MAC.right })
  const out = { left: [] as Uint8Array[], right: [] as Uint8Array[] }
  machine.plug('left', { receive: (frame) => void out.left.push(frame) })
  machine.plug('right', { receive: (frame) => void out.right.push(frame) })
  return { machine, out }
}

function attach(
  machine: VirtualMachine,
  name: string,
  steps: readonly Step[],
  hook: 'tc' | 'xdp' = 'tc',
  path = `on/${name}`,
) {
  using program = machine.load(assemble(`at ${name}`, hook, steps), {})
  return machine.attach(program, machine.interface(name)!, path, hook === 'tc' ? 'tc ingress' : 'xdp native')
}

const redirect = (ifindex: number, flags = 0): Step => [mov('r1', ifindex), mov('r2', flags), call('redirect'), exit]

/** The context stays in r6. */
const clone = (ifindex: number): Step => [mov('r1', 'r6'), mov('r2', ifindex), mov('r3', 0), call('clone_redirect')]

describe('a frame that arrives', () => {
  test('goes to the host’s own stack where no program is', () => {
    const { machine } = bench()
    machine.receive('left', FRAME)
    expect(machine.passed).toEqual([{ interface: 'left', frame: FRAME }])
    expect(machine.counters('left')).toEqual({ received: 1, sent: 0, dropped: 0, passed: 1, lost: 0 })
  })

  test.each([
    ['ok', TC_ACT.ok, { passed: 1, dropped: 0 }],
    ['shot', TC_ACT.shot, { passed: 0, dropped: 1 }],
    ['next', TC_ACT.next, { passed: 1, dropped: 0 }],
    ['a number nobody knows', 77, { passed: 1, dropped: 0 }],
    ['redirect without a destination', TC_ACT.redirect, { passed: 0, dropped: 1 }],
  ])('tc verdict %s', (_, code, counters) => {
    const { machine } = bench()
    attach(machine, 'left', [verdict(code)])
    machine.receive('left', FRAME)
    expect(machine.counters('left')).toMatchObject({ received: 1, ...counters })
  })

  test.each([
    ['pass', XDP_ACTION.pass, { passed: 1, dropped: 0, sent: 0 }],
    ['drop', XDP_ACTION.drop, { passed: 0, dropped: 1, sent: 0 }],
    ['aborted', XDP_ACTION.aborted, { passed: 0, dropped: 1, sent: 0 }],
    ['tx', XDP_ACTION.tx, { passed: 0, dropped: 0, sent: 1 }],
    ['a number nobody knows', 77, { passed: 0, dropped: 1, sent: 0 }],
  ])('xdp verdict %s', (_, code, counters) => {
    const { machine } = bench()
    attach(machine, 'left', [verdict(code)], 'xdp')
    machine.receive('left', FRAME)
    expect(machine.counters('left')).toMatchObject({ received: 1, ...counters })
  })

  test.each(['tc', 'xdp'] as const)('is redirected by %s with what the program wrote into it', (hook) => {
    const { machine, out } = bench()
    attach(machine, 'left', [opening(hook, 20), store(1, 'r7', 19, 42), redirect(2), closing], hook)
    machine.receive('left', FRAME)
    expect(out.right.map((frame) => frame[19])).toEqual([42])
    expect([out.left, machine.passed]).toEqual([[], []])
    expect(machine.counters('right').sent).toBe(1)
  })

  test('is redirected into another interface, whose program runs', () => {
    const { machine, out } = bench()
    attach(machine, 'left', [redirect(2, 1)])
    attach(machine, 'right', [redirect(1)])
    machine.receive('left', FRAME)
    expect(out.left).toEqual([FRAME])
    expect(machine.counters('right')).toMatchObject({ received: 1, sent: 0 })
  })

  test('is copied by clone_redirect, each copy as the packet was then', () => {
    const { machine, out } = bench()
    const write = (value: number): Step => [opening('tc', 20), store(1, 'r7', 19, value)]
    const again = (value: number): Step => [mov('r1', 'r6'), write(value)]
    attach(machine, 'left', [write(1), clone(2), again(2), clone(2), again(3), clone(1), verdict(TC_ACT.shot), closing])
    machine.receive('left', FRAME)
    expect(out.right.map((frame) => frame[19])).toEqual([1, 2])
    expect(out.left.map((frame) => frame[19])).toEqual([3])
    expect(machine.counters('left').dropped).toBe(1)
  })

  test.each<[what: string, end: readonly Step[], arrived: readonly number[]]>([
    ['passes', [verdict(TC_ACT.ok)], [7]],
    ['drops', [verdict(TC_ACT.shot)], []],
    ['faults', [load(1, 'r0', 'r10', -16), exit], []],
  ])('is copied within the program, which finds all as it was when what its copy meets %s', (what, end, arrived) => {
    const { machine, out } = bench()
    const noted: number[] = []
    const met = [opening('tc', 20), store(1, 'r7', 19, 7), store(8, 'r10', -8, 0), mov('r8', 0), ...end, closing]
    using program = machine.load(assemble('met', 'tc', met), {})
    machine.attach(program, machine.interface('right')!, 'on/right', 'tc egress')
    machine.plug('right', { receive: (frame) => void noted.push(frame[19] ?? 0) })
    attach(machine, 'left', [
      [opening('tc', 20), store(1, 'r7', 19, 1), store(8, 'r10', -8, 42), mov('r8', 5), clone(2)],
      [mov('r1', 'r6'), load(4, 'r7', 'r1', SK_BUFF.data), load(4, 'r3', 'r1', SK_BUFF.data_end)],
      [mov('r4', 'r7'), alu64('add', 'r4', 20), jump('jgt', 'r4', 'r3', 'short'), load(8, 'r2', 'r10', -8)],
      [store(1, 'r7', 17, 'r8'), store(1, 'r7', 18, 'r2'), redirect(1), closing],
    ])
    const send = () => machine.receive('left', FRAME)
    if (what === 'faults') expect(send).toThrow(/instruction .* of "met"|"met", instruction/)
    else send()
    expect(out.left.map((frame) => [...frame.subarray(17, 20)])).toEqual([[5, 42, 1]])
    expect(noted).toEqual(arrived)
    expect(machine.counters('right').dropped).toBe(1 - arrived.length)
  })

  test.each([
    ['tc', 'ifindex', SK_BUFF.ifindex],
    ['tc', 'ingress_ifindex', SK_BUFF.ingress_ifindex],
    ['xdp', 'ingress_ifindex', XDP_MD.ingress_ifindex],
  ] as const)('knows where it arrived: %s %s', (hook, _, offset) => {
    const { machine } = bench()
    const map = machine.createMap('seen', {
      kind: 'array',
      key: { kind: 'scalar', size: 4, signed: false, align: 4 },
      value: { kind: 'scalar', size: 4, signed: false, align: 4 },
      entries: 1,
    })
    const steps: Step[] = [
      load(4, 'r2', 'r1', offset),
      { opcode: 0x18, dst: 1, src: 2, offset: 0, imm: 0, map: 'seen', mapValue: 0 },
      store(4, 'r1', 0, 'r2'),
      verdict(0),
    ]
    const program = machine.load(assemble('seen', hook, steps, { maps: { seen: map.description } }), { seen: map })
    machine.attach(program, machine.interface('right')!, 'seen', hook === 'tc' ? 'tc ingress' : 'xdp native')
    machine.receive('right', FRAME)
    expect(map.lookup(new Uint8Array(4))).toEqual(Uint8Array.of(2, 0, 0, 0))
  })

  test.each([
    ['host', MAC.left, 0],
    ['broadcast', 'ff:ff:ff:ff:ff:ff', 1],
    ['multicast', '33:33:00:00:00:01', 2],
    ['otherhost', MAC.right, 3],
  ])('pkt_type %s', (_, destination, type) => {
    const { machine } = bench()
    attach(machine, 'left', [
      load(4, 'r1', 'r1', SK_BUFF.pkt_type),
      // Over the next instruction, to the exit with `ok`, unless the type is the expected one.
      mov('r0', TC_ACT.ok),
      { opcode: 0x55, dst: 1, src: 0, offset: 1, imm: type },
      mov('r0', TC_ACT.shot),
      exit,
    ])
    machine.receive('left', concat(parseMac(destination), FRAME.subarray(6)))
    expect(machine.counters('left').dropped).toBe(1)
  })
})

describe('a frame that leaves', () => {
  /** Sends by `left` past a program at its egress, of these steps. */
  function leaving(steps: readonly Step[], frame: Uint8Array = FRAME) {
    const { machine, out } = bench()
    using program = machine.load(assemble('leaving', 'tc', steps), {})
    const attachment = machine.attach(program, machine.interface('left')!, 'on/left', 'tc egress')
    machine.transmit('left', frame)
    return { machine, out, attachment }
  }

  test.each([
    ['ok', TC_ACT.ok, { sent: 1, dropped: 0 }],
    ['shot', TC_ACT.shot, { sent: 0, dropped: 1 }],
    ['next, and nothing else is there', TC_ACT.next, { sent: 1, dropped: 0 }],
  ])('verdict %s', (_, code, counters) => {
    expect(leaving([verdict(code)]).machine.counters('left')).toMatchObject(counters)
  })

  test('by XDP does not meet the program', () => {
    const { machine, out } = leaving([verdict(TC_ACT.shot)])
    attach(machine, 'right', [redirect(1)], 'xdp')
    machine.receive('right', FRAME)
    expect(out.left).toEqual([FRAME])
  })

  test('is redirected, and the program is not met by what arrives', () => {
    const { machine, out } = leaving([redirect(2)])
    expect(out).toEqual({ left: [], right: [FRAME] })
    machine.receive('left', FRAME)
    expect(machine.counters('left').passed).toBe(1)
  })

  test('meets the program where another one redirected it', () => {
    const { machine, out } = leaving([verdict(TC_ACT.shot)])
    attach(machine, 'right', [redirect(1)], 'tc', 'on/right')
    machine.receive('right', FRAME)
    expect(out.left).toEqual([])
    expect(machine.counters('left').dropped).toBe(2)
  })

  test('goes on when the program is detached', () => {
    const { machine, out, attachment } = leaving([verdict(TC_ACT.shot)])
    attachment.detach()
    machine.transmit('left', FRAME)
    expect(out.left).toEqual([FRAME])
  })
})

test('XDP sends one frame to all interfaces of a devmap but the one that it came by', () => {
  const { machine, out } = bench()
  const word = (number: number) => new Uint8Array(Uint32Array.of(number).buffer)
  const scalar = { kind: 'scalar', size: 4, signed: false, align: 4 } as const
  const exits = machine.createMap('exits', { kind: 'devmap', key: scalar, value: scalar, entries: 4 })
  for (const [port, index] of [
    [0, 1],
    [2, 2],
    [3, 99],
  ] as const)
    exits.update(word(port), word(index))
  const flood: Step[] = [
    loadMap('r1', 'exits'),
    mov('r2', 0),
    mov('r3', REDIRECT.broadcast | REDIRECT.excludeIngress),
    call('redirect_map'),
    exit,
  ]
  const program = machine.load(assemble('flood', 'xdp', flood, { maps: { exits: exits.description } }), { exits })
  machine.attach(program, machine.interface('left')!, 'on/left', 'xdp native')
  machine.receive('left', FRAME)
  expect(out).toEqual({ left: [], right: [FRAME] })
})

describe('frames that nobody gets', () => {
  test('arrive at an interface that is down', () => {
    const { machine } = bench()
    machine.setUp('left', false)
    expect(machine.interface('left')?.up).toBe(false)
    machine.receive('left', FRAME)
    expect(machine.counters('left')).toMatchObject({ received: 0, lost: 1 })
  })

  test.each([
    ['down', (machine: VirtualMachine) => machine.setUp('right', false)],
    ['not plugged in', (machine: VirtualMachine) => machine.unplug('right')],
  ])('leave by an interface that is %s', (_, spoil) => {
    const { machine, out } = bench()
    attach(machine, 'left', [redirect(2)])
    spoil(machine)
    machine.receive('left', FRAME)
    expect(out.right).toEqual([])
    expect(machine.counters('right')).toMatchObject({ sent: 0, lost: 1 })
  })

  test('are redirected to an interface that does not exist', () => {
    const { machine } = bench()
    attach(machine, 'left', [redirect(99)])
    machine.receive('left', FRAME)
    expect(machine.counters('left').dropped).toBe(1)
  })

  test.each([0, 13, 70_000])('have %i bytes', (length) => {
    const { machine } = bench()
    expect(() => machine.receive('left', new Uint8Array(length))).toThrow(Refusal)
  })
})

describe('loops', () => {
  test('two interfaces that redirect into each other end with an error that says so', () => {
    const { machine } = bench({ deliveries: 50 })
    attach(machine, 'left', [redirect(2, 1)])
    attach(machine, 'right', [redirect(1, 1)])
    expect(() => machine.receive('left', FRAME)).toThrow(/more than 50 deliveries.*loop/)
    machine.setUp('right', false)
    machine.receive('left', FRAME)
    expect(machine.counters('right').lost).toBe(1)
  })

  test('an endpoint that answers inside receive is not called recursively', () => {
    const { machine } = bench()
    let depth = 0
    let deepest = 0
    let left = 100
    const echo: Endpoint = {
      receive(frame, send) {
        depth++
        deepest = Math.max(deepest, depth)
        if (left-- > 0) send(frame)
        depth--
      },
    }
    machine.plug('left', echo)
    attach(machine, 'left', [redirect(1)])
    machine.receive('left', FRAME)
    expect([deepest, machine.counters('left').sent]).toEqual([1, 101])
  })
})

describe('a fault', () => {
  const beyond: Step[] = [load(4, 'r2', 'r1', SK_BUFF.data_end), load(1, 'r0', 'r2', 0), exit]

  test('drops the packet, is reported, and the next packet is served', () => {
    const { machine, out } = bench()
    const attachment = attach(machine, 'left', beyond)
    expect(() => machine.receive('left', FRAME)).toThrow(Fault)
    expect(machine.counters('left')).toMatchObject({ received: 1, dropped: 1 })
    using right = machine.load(assemble('right', 'tc', [redirect(2)]), {})
    attachment.replace(right)
    machine.receive('left', FRAME)
    expect(out.right).toEqual([FRAME])
  })

  test('does not keep the copies that were sent before from arriving', () => {
    const { machine, out } = bench()
    attach(machine, 'left', [mov('r6', 'r1'), clone(2), mov('r1', 'r6'), ...beyond])
    expect(() => machine.receive('left', FRAME)).toThrow(Fault)
    expect(out.right).toEqual([FRAME])
  })
})

describe('attachments', () => {
  test('run in the order in which they were attached, as far as one decides', () => {
    const { machine, out } = bench()
    attach(machine, 'left', [opening('tc', 20), store(1, 'r7', 19, 1), verdict(TC_ACT.next), closing], 'tc', 'first')
    const second = attach(
      machine,
      'left',
      [
        opening('tc', 20),
        load(1, 'r2', 'r7', 19),
        alu64('add', 'r2', 1),
        store(1, 'r7', 19, 'r2'),
        redirect(2),
        closing,
      ],
      'tc',
      'second',
    )
    attach(machine, 'left', [verdict(TC_ACT.shot)], 'tc', 'third')
    machine.receive('left', FRAME)
    expect(out.right.map((frame) => frame[19])).toEqual([2])
    second.detach()
    machine.receive('left', FRAME)
    expect(machine.counters('left').dropped).toBe(1)
  })

  test('stay when their handle is closed, and are opened again by their path', () => {
    const { machine, out } = bench()
    attach(machine, 'left', [redirect(2)])[Symbol.dispose]()
    expect(machine.pinned('on')).toEqual(['on/left'])
    machine.receive('left', FRAME)
    expect(out.right).toHaveLength(1)
    using again = machine.openAttachment('on/left')
    expect(again?.interface).toEqual({ name: 'left', index: 1, up: true, mac: parseMac(MAC.left) })
    again?.detach()
    expect(machine.pinned('on')).toEqual([])
    machine.receive('left', FRAME)
    expect(machine.passed).toHaveLength(1)
  })

  test('end with their pin when nobody holds a handle', () => {
    const { machine } = bench()
    using held = attach(machine, 'left', [verdict(TC_ACT.shot)])
    machine.unpin('on/left')
    machine.receive('left', FRAME)
    expect(machine.counters('left').dropped).toBe(1)
    held[Symbol.dispose]()
    machine.receive('left', FRAME)
    expect(machine.counters('left').dropped).toBe(1)
  })

  test('are gone with their interface', () => {
    const { machine } = bench()
    attach(machine, 'left', [verdict(TC_ACT.shot)])
    machine.removeInterface('left')
    expect(machine.openAttachment('on/left')).toBeUndefined()
    expect(machine.addInterface('left', { mac: MAC.left }).index).toBe(3)
    expect(machine.openAttachment('on/left')).toBeUndefined()
  })

  test.each([
    ['a path that is taken', 'on/left', 'tc'],
    ['a second XDP program', 'elsewhere', 'xdp'],
  ] as const)('%s is refused, and nothing changed', (_, path, hook) => {
    const { machine } = bench()
    attach(machine, 'left', [verdict(hook === 'xdp' ? XDP_ACTION.drop : TC_ACT.shot)], hook)
    expect(() => attach(machine, 'left', [verdict(0)], hook, path)).toThrow(Refusal)
    expect(machine.pinned('')).toEqual(['on/left'])
    machine.receive('left', FRAME)
    expect(machine.counters('left').dropped).toBe(1)
  })

  test('of others are told of', () => {
    const { machine } = bench()
    machine.addForeign('left', 'tc ingress', 'tcx program 17 "cil_from_netdev"')
    expect(machine.foreign(machine.interface('left')!, 'xdp native')).toEqual([])
    expect(machine.foreign(machine.interface('left')!, 'tc ingress')).toEqual(['tcx program 17 "cil_from_netdev"'])
    expect(machine.foreign(machine.interface('right')!, 'tc ingress')).toEqual([])
  })
})

test('two hosts ping each other through a program that redirects', () => {
  const { machine } = bench()
  const a = new SimulatedHost({ mac: '02:00:00:00:00:0a', ipv4: '10.0.0.1/24', ipv6: 'fd00::1/64' })
  const b = new SimulatedHost({ mac: '02:00:00:00:00:0b', ipv4: '10.0.0.2/24', ipv6: 'fd00::2/64' })
  machine.plug('left', a)
  machine.plug('right', b)
  expect(a.ping('10.0.0.2')).toBe(false)
  attach(machine, 'left', [redirect(2)])
  attach(machine, 'right', [redirect(1)])
  expect([a.ping('10.0.0.2'), a.ping('fd00::2'), b.ping('10.0.0.1'), b.ping('fd00::1')]).toEqual([
    true,
    true,
    true,
    true,
  ])
})

test('the clock moves only by hand', () => {
  const { machine } = bench({ start: 5n })
  expect(machine.now()).toBe(5n)
  machine.clock.advance(1_000_000_000n)
  expect(machine.now()).toBe(1_000_000_005n)
  expect(() => machine.clock.advance(-1n)).toThrow(RangeError)
})
