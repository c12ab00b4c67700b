/** Filters compiled into programs decide as libpcap's own interpreter does, on every machine and at both hooks. */
import { describe, expect, test } from 'vitest'
import type { Machine } from '../src/backend/machine.ts'
import { filterProgram } from '../src/compiler/filter-program.ts'
import type { ClassicProgram } from '../src/filter/classic.ts'
import { flowFilter } from '../src/filter/flow.ts'
import type { FlowFields } from '../src/filter/flow-fields.ts'
import { TC_ACT, XDP_ACTION } from '../src/isa/opcodes.ts'
import type { Hook, Program } from '../src/isa/program.ts'
import { compileFilter, matchesFilter, whyNoLibpcap } from '../src/kernel/libpcap.ts'
import { openKernelMachine } from '../src/kernel/machine.ts'
import { everyMachine, openVirtualMachine, packet } from '../src/testing/index.ts'
import type { Choose } from './differential/generate/draft.ts'
import { packetOf } from './differential/packets.ts'
import { mulberry } from './differential/tape.ts'

const noLibpcap = whyNoLibpcap()
const withLibpcap = noLibpcap === undefined ? '' : ` (skipped: ${noLibpcap})`

const tcp = packet().ethernet().ipv4({ source: '10.0.0.1' }).tcp({ sourcePort: 80, syn: 1 })
const udp6 = packet().ethernet().ipv6({ source: 'fd00::7' }).udp({ destinationPort: 53 }).payload(20)
const FRAMES: readonly Uint8Array[] = [
  tcp.bytes(),
  tcp.change('ipv4', { options: new Uint8Array(8), source: '10.1.2.3' }).bytes(),
  tcp.change('ipv4', { fragmentOffset: 5 }).bytes(),
  packet().ethernet().ipv4({ source: '192.168.7.9', destination: '10.0.0.1' }).udp({ destinationPort: 53 }).bytes(),
  packet().ethernet().ipv4().icmp().payload(56).bytes(),
  packet().ethernet().ipv4().sctp({ destinationPort: 80 }).bytes(),
  udp6.bytes(),
  packet().ethernet().ipv6().hopByHop().fragment().tcp({ destinationPort: 80 }).bytes(),
  packet().ethernet().ipv6().fragment({ fragmentOffset: 3 }).tcp({ destinationPort: 80 }).bytes(),
  packet().ethernet().ipv6().authentication().destinationOptions().udp({ sourcePort: 80 }).bytes(),
  packet().ethernet().arp({ senderAddress: '10.0.0.1' }).padded(),
  packet().ethernet().vlan({ id: 5, priority: 3 }).ipv4({ source: '10.0.0.1' }).tcp({ destinationPort: 80 }).bytes(),
  packet().ethernet().vlan({ id: 5 }).ipv6().udp({ destinationPort: 53 }).payload(1400).bytes(),
  packet().ethernet().vlan({ id: 7 }).vlan({ id: 5 }).ipv4({ source: '10.0.0.1' }).udp({ sourcePort: 53 }).bytes(),
  packet().ethernet({ destination: 'ff:ff:ff:ff:ff:ff' }).payload(46).bytes(),
]

/** The frames above, and generated ones: few addresses and ports, so that filters meet them. */
function framesOf(choose: Choose, count: number): Uint8Array[] {
  return [...FRAMES, ...Array.from({ length: count }, () => packetOf(choose))]
}

/** The two verdicts that lead a frame that arrives to different ends. */
const VERDICTS: Readonly<Record<Hook, { matches: number; misses: number }>> = {
  tc: { matches: TC_ACT.shot, misses: TC_ACT.ok },
  xdp: { matches: XDP_ACTION.drop, misses: XDP_ACTION.pass },
}

const programs = new Map<string, Program>()

function programOf(hook: Hook, text: string, filter: ClassicProgram): Program {
  const key = `${hook} ${text}`
  const program = programs.get(key) ?? filterProgram({ name: 'filter', hook, filter, text, verdicts: VERDICTS[hook] })
  programs.set(key, program)
  return program
}

/** What a filter says of frames that a machine is given. */
function run(machine: Machine, hook: Hook, text: string, filter: ClassicProgram, frames: readonly Uint8Array[]) {
  using program = machine.load(programOf(hook, text, filter), {})
  return frames.map((frame) => program.run(frame).verdict === VERDICTS[hook].matches)
}

/** The same of frames that arrive by an interface: a tag is no longer in the frame when TC sees it. */
function arriving(hook: Hook, text: string, filter: ClassicProgram, frames: readonly Uint8Array[]) {
  using machine = openVirtualMachine()
  machine.addInterface('eth0', { mac: '02:00:00:00:01:01' })
  using program = machine.load(programOf(hook, text, filter), {})
  machine.attach(program, machine.interface('eth0')!, 'filter', hook === 'tc' ? 'tc ingress' : 'xdp native')
  return frames.map((frame) => {
    const { dropped } = machine.counters('eth0')
    machine.receive('eth0', frame)
    return machine.counters('eth0').dropped > dropped
  })
}

const TEXTS = [
  '',
  'tcp and host 10.0.0.1 and port 80',
  'tcp[tcpflags] & (tcp-syn|tcp-fin) != 0',
  'udp port 53 or icmp',
  'ip6 and udp',
  'ip6 host fd00::7 or net 10.0.0.0/8',
  'arp host 10.0.0.1',
  'vlan 5',
  'vlan and tcp port 80',
  'vlan 7 and vlan 5 and udp',
  'not vlan and ip',
  'ether broadcast or ether multicast',
  'ether src 02:00:00:00:00:01 and less 100',
  'greater 1000',
  'portrange 50-60',
  'ip[8] < 64 and ip[0] & 0xf > 5',
  'ip[0] << ip[1] == 69',
  'ip[2:2] >> (ip[8] - 60) = 2',
  'ip[2:2] / ip[1] = 3 or ip[2:2] % 7 = 5',
  'ether[ether[17]:4] > 100',
  'ether[ip[1] + 12:4] = 0x81006005',
  'ether[10:4] = 0x00018100 or ether[13:2] = 0x5',
  'ether[len - 1] = 1',
  'ether[40000] = 0',
]

/** A filter of tcpdump's, by chance. */
function textOf(choose: Choose, depth: number): string {
  const of = (...parts: readonly string[]): string => parts[choose(parts.length)] ?? ''
  if (depth > 0 && choose(3) > 0)
    return of(
      `(${textOf(choose, depth - 1)}) and (${textOf(choose, depth - 1)})`,
      `(${textOf(choose, depth - 1)}) or (${textOf(choose, depth - 1)})`,
      `not (${textOf(choose, depth - 1)})`,
    )
  const at = (): string => `${of('ether', 'ip', 'udp')}[${sum()}:${of('1', '2', '4')}]`
  const sum = (): string => `${choose(24)}${of('', '', ' + ether[15]', ' * 2', ' + ip[1]')}`
  return of(
    of('ip', 'ip6', 'arp', 'tcp', 'udp', 'icmp', 'icmp6', 'sctp', 'ip proto 253', 'ip6 protochain 17'),
    `${of('', 'src ', 'dst ')}port ${of('0', '53', '80', '255')}`,
    `${of('', 'src ', 'dst ')}host ${of('10.0.0.1', '10.0.0.2', 'fd00::1', '0.0.0.1')}`,
    `net ${of('10.0.0.0/8', 'fd00::/16', '0.0.0.0/4')}`,
    `${of('less', 'greater')} ${choose(120)}`,
    `${at()} ${of('=', '!=', '<', '>')} ${of('0', '1', '0x80', '0x800', at())}`,
    `${at()} ${of('+', '-', '&', '|', '^', '<<', '>>', '/', '%')} ${of('1', '3', at())} = ${choose(4)}`,
    `ether ${of('src', 'dst')} 00:00:00:00:00:0${choose(4)}`,
    of('ether multicast', 'ip multicast', 'ip broadcast', 'vlan', 'vlan 1', 'vlan 2 and ip'),
  )
}

async function compiled(text: string): Promise<ClassicProgram | undefined> {
  try {
    return await compileFilter(text)
  } catch {
    // Words that make no sense together: `arp port 80`, a division by a constant 0.
    return undefined
  }
}

describe.skipIf(noLibpcap !== undefined)(`libpcap’s own words${withLibpcap}`, async () => {
  const random = mulberry(1)
  const generated = Array.from({ length: 60 }, () => textOf(random, 2))
  const filters = await Promise.all(
    [...TEXTS, ...generated].map(async (text) => ({ text, filter: await compiled(text) })),
  )
  const cases = filters.flatMap(({ text, filter }) => {
    return filter === undefined ? [] : [{ text, filter }]
  })
  const frames = framesOf(mulberry(2), 40)

  test('most of them are filters, which match some frames and others not', () => {
    expect(cases.length).toBeGreaterThan(50)
    const matching = cases.map(({ filter }) => frames.filter((frame) => matchesFilter(filter, frame)).length)
    expect(matching.filter((count) => count > 0 && count < frames.length).length).toBeGreaterThan(35)
  })

  for (const hook of ['tc', 'xdp'] as const) {
    for (const { name, skip } of everyMachine)
      test.skipIf(skip !== undefined)(`on frames as they are (${name}, ${hook})`, () => {
        using machine = name === 'vm' ? openVirtualMachine() : openKernelMachine()
        for (const { text, filter } of cases)
          expect([text, run(machine, hook, text, filter, frames)]).toEqual([text, expected(filter, frames)])
      })

    test(`on frames that arrive (vm, ${hook})`, () => {
      for (const { text, filter } of cases)
        expect([text, arriving(hook, text, filter, frames)]).toEqual([text, expected(filter, frames)])
    })
  }
})

const expected = (filter: ClassicProgram, frames: readonly Uint8Array[]) =>
  frames.map((frame) => matchesFilter(filter, frame))

describe('fields of flows', () => {
  const cases: readonly (readonly [FlowFields, readonly number[]])[] = [
    [{}, FRAMES.map((_, index) => index)],
    [{ protocol: 'tcp' }, [0, 1, 2, 7, 8, 11]],
    [{ protocol: 'tcp', port: 80 }, [0, 1, 7, 11]],
    [{ port: 80 }, [0, 1, 5, 7, 9, 11]],
    [{ source: '10.0.0.1', protocol: 'tcp', port: 80 }, [0, 11]],
    [{ source: '10.0.0.0/8' }, [0, 1, 2, 4, 5, 10, 11, 13]],
    [{ host: '10.0.0.1' }, [0, 2, 3, 4, 5, 10, 11, 13]],
    [{ host: '10.0.0.1', protocol: 'arp' }, [10]],
    [{ host: 'fd00::7', protocol: 'arp' }, []],
    [{ destination: '10.0.0.1' }, [3]],
    [{ source: 'fd00::7' }, [6]],
    [{ source: 'fd00::/16', sourcePort: 80 }, [9]],
    [{ destinationPort: 53 }, [3, 6, 12]],
    [{ protocol: 'icmp' }, [4]],
    [{ protocol: 'arp' }, [10]],
    [{ protocol: 'ipv6' }, [6, 7, 8, 9, 12]],
    [{ protocol: '132' }, [5]],
    [{ vlan: 5 }, [11, 12]],
    [{ vlan: 7, port: 53 }, [13]],
    [{ vlan: 0, port: 53 }, [3, 6]],
    [{ source: '0.0.0.0/0' }, [0, 1, 2, 3, 4, 5, 10, 11, 13]],
  ]

  for (const hook of ['tc', 'xdp'] as const) {
    for (const { name, skip } of everyMachine)
      test.skipIf(skip !== undefined)(`match the frames that have them (${name}, ${hook})`, () => {
        using machine = name === 'vm' ? openVirtualMachine() : openKernelMachine()
        for (const [fields, indices] of cases) {
          const text = JSON.stringify(fields)
          const matched = run(machine, hook, text, flowFilter(fields), FRAMES)
          expect([text, FRAMES.flatMap((_, index) => (matched[index] ? [index] : []))]).toEqual([text, indices])
        }
      })

    test(`match frames that arrive (vm, ${hook})`, () => {
      for (const [fields, indices] of cases) {
        const text = JSON.stringify(fields)
        const matched = arriving(hook, text, flowFilter(fields), FRAMES)
        expect([text, FRAMES.flatMap((_, index) => (matched[index] ? [index] : []))]).toEqual([text, indices])
      }
    })
  }

  test('that are none are refused', () => {
    expect(() => flowFilter({ protocol: 'tpc' })).toThrow('there is no protocol tpc\n    did you mean "tcp"?')
    expect(() => flowFilter({ source: '10.0.0.0/40' })).toThrow('"10.0.0.0/40" is no address and no prefix')
  })
})

test.skipIf(noLibpcap !== undefined)(
  `what libpcap does not understand is said in its words${withLibpcap}`,
  async () => {
    await expect(compileFilter('tcp ad port 80')).rejects.toThrow('the filter "tcp ad port 80" is not understood: ')
  },
)

test.skipIf(noLibpcap !== undefined)(
  `what libpcap understands and no program can answer is refused${withLibpcap}`,
  async () => {
    for (const text of ['ip6 protochain 17', 'not ip protochain \\tcp'])
      await expect(compileFilter(text)).rejects.toThrow(`the filter "${text}" goes round in a loop`)
    for (const text of ['inbound', 'tcp and outbound', 'ifindex 3'])
      await expect(compileFilter(text)).rejects.toThrow(`the filter "${text}" asks for what is not in the packet`)
  },
)
