import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dissect, type Lab, onEveryMachine, type PacketBuilder, packet } from '../../testing/index.ts'
import type { bridge } from './schema.ts'

const SECOND = 1_000_000_000n

const STATIONS: Readonly<Record<string, string>> = {
  alice: '02:00:00:00:00:0a',
  bob: '02:00:00:00:00:0b',
  carol: '02:00:00:00:00:0c',
  dave: '02:00:00:00:00:0d',
  everybody: 'ff:ff:ff:ff:ff:ff',
  allNodes: '33:33:00:00:00:01',
  nobody: '00:00:00:00:00:00',
  /** Spanning tree, LLDP, and the first address behind those that stay on their segment. */
  bridges: '01:80:c2:00:00:00',
  lldp: '01:80:c2:00:00:0e',
  lastReserved: '01:80:c2:00:00:0f',
  notReserved: '01:80:c2:00:00:10',
}

type Bridge = Lab<typeof bridge>
type Settings = Parameters<Bridge['apply']>[0]

const address = (name: string): string => STATIONS[name] ?? name

const frame = (source: string, destination: string): PacketBuilder =>
  packet()
    .ethernet({ source: address(source), destination: address(destination) })
    .ipv4()
    .udp()
    .payload(`${source} to ${destination}`)

/** Sends; every copy must be what was sent. The ports they came out of, or why there were none. */
function outcome(lab: Bridge, port: string, bytes: Uint8Array): string {
  const before = lab.counters(port).drops
  const output = lab.send(port, bytes)
  for (const copies of Object.values(output)) {
    if (copies.length === 1 && copies.every((copy) => Buffer.compare(copy, bytes) === 0)) continue
    expect(copies.map((copy) => dissect(copy))).toEqual([dissect(bytes)])
    expect(copies).toEqual([bytes])
  }
  const reasons = Object.entries(lab.counters(port).drops).flatMap(([reason, { packets }]) =>
    packets > (before[reason]?.packets ?? 0n) ? [`dropped as ${reason}`] : [],
  )
  return [...Object.keys(output).sort(), ...reasons].join(' ')
}

/**
 * Lines such as `alice@a → bob: b c` (what comes out where), `alice@a → alice: dropped as same_port`, `5 s pass`. Plays
 * the left-hand sides, and gives the text with what happened.
 */
function play(lab: Bridge, script: string): string {
  const lines = script.trim().split('\n')
  return lines
    .map((line) => {
      const time = /^\s*(?<seconds>[\d.]+) s pass$/.exec(line)?.groups
      if (time !== undefined) lab.clock.advance(BigInt(Math.round(Number(time.seconds) * 1e9)))
      const sent = /^\s*(?<from>\S+)@(?<port>\S+) → (?<to>\S+): /.exec(line)
      if (sent?.groups === undefined) return line
      const { from = '', port = '', to = '' } = sent.groups
      return sent[0] + outcome(lab, port, frame(from, to).bytes())
    })
    .join('\n')
}

const expectScript = (lab: Bridge, script: string): void => expect(play(lab, script)).toBe(script.trim())

const THREE = { a: {}, b: {}, c: {} }

const SCRIPTS: readonly { title: string; settings?: Settings; script: string }[] = [
  {
    title: 'floods what is for a station that was never seen, and forwards once it was',
    script: `
      alice@a → bob: b c
      bob@b → alice: a
      alice@a → bob: b
      carol@c → bob: b
      bob@b → carol: c`,
  },
  {
    title: 'floods broadcast and multicast, however well it knows the stations',
    script: `
      alice@a → bob: b c
      bob@b → everybody: a c
      alice@a → everybody: b c
      alice@a → allNodes: b c
      alice@a → allNodes: b c`,
  },
  {
    title: 'follows a station that moves',
    script: `
      alice@a → bob: b c
      bob@b → alice: a
      alice@c → bob: b
      bob@b → alice: c
      alice@a → everybody: b c
      bob@b → alice: a`,
  },
  {
    title: 'forgets a station that was not seen for longer than the ageing time',
    script: `
      bob@b → everybody: a c
      300 s pass
      alice@a → bob: b
      0.000000001 s pass
      alice@a → bob: b c
      bob@b → alice: a
      alice@a → bob: b`,
  },
  {
    title: 'knows a station for as long as it is seen now and then',
    script: `
      bob@b → everybody: a c
      299 s pass
      bob@b → everybody: a c
      300 s pass
      alice@a → bob: b
      0.000000001 s pass
      alice@a → bob: b c`,
  },
  {
    title: 'takes no note of a station that was seen within the last second',
    script: `
      bob@b → everybody: a c
      1 s pass
      bob@b → everybody: a c
      299 s pass
      alice@a → bob: b
      0.000000001 s pass
      alice@a → bob: b c`,
  },
  {
    title: 'has the ageing time that it is configured with',
    settings: { config: { agingTime: 10 } },
    script: `
      bob@b → everybody: a c
      10 s pass
      alice@a → bob: b
      1 s pass
      alice@a → bob: b c`,
  },
  {
    title: 'drops what nobody can have sent, and does not learn from it',
    script: `
      everybody@a → bob: dropped as invalid_source
      allNodes@a → bob: dropped as invalid_source
      nobody@a → bob: dropped as invalid_source
      lldp@a → everybody: dropped as invalid_source
      bob@b → nobody: a c
      bob@b → everybody: a c`,
  },
  {
    title: 'keeps to its segment what is for the segment, and learns from it',
    script: `
      alice@a → bridges: dropped as link_local
      alice@a → lldp: dropped as link_local
      alice@a → lastReserved: dropped as link_local
      alice@a → notReserved: b c
      bob@b → alice: a`,
  },
  {
    title: 'sends nothing back to where it came from',
    script: `
      alice@a → bob: b c
      bob@a → alice: dropped as same_port
      alice@a → bob: dropped as same_port
      alice@a → alice: dropped as same_port
      carol@c → alice: a`,
  },
  {
    title: 'learns nothing at a port that does not learn',
    settings: { ports: { a: {}, b: {}, c: { learning: false } } },
    script: `
      carol@c → everybody: a b
      alice@a → carol: b c
      carol@c → alice: a
      alice@a → carol: b c
      alice@c → bob: a b
      bob@b → alice: a`,
  },
  {
    title: 'leaves a station where it is when it turns up at a port that does not learn',
    settings: { ports: { a: {}, b: {}, c: { learning: false } } },
    script: `
      alice@a → everybody: b c
      alice@c → bob: a b
      bob@b → alice: a`,
  },
  {
    title: 'has nowhere to send anything with a single port',
    settings: { ports: { a: {} } },
    script: `
      alice@a → bob: dropped as no_such_port
      alice@a → everybody: dropped as no_such_port
      alice@a → alice: dropped as same_port`,
  },
]

onEveryMachine('bridge', (openLab, machine) => {
  const open = (settings: Settings = {}): Promise<Bridge> =>
    openLab<typeof bridge>({ cube: 'bridge', ports: THREE, ...settings })

  test.each(SCRIPTS.map((one) => [one.title, one] as const))('%s', async (_, { settings, script }) => {
    using lab = await open(settings)
    expectScript(lab, script)
  })

  describe('frames pass byte for byte', () => {
    const ethernet = packet().ethernet({ source: address('alice'), destination: address('bob') })

    test('whatever is in them', async () => {
      using lab = await open()
      const tagged = ethernet.vlan({ id: 5, priority: 7 }).ipv4().tcp({ syn: 1 }).payload('tagged')
      const frames: Readonly<Record<string, Uint8Array>> = {
        'nothing but the header': ethernet.bytes(),
        'a padded ARP request': ethernet.arp().padded(60),
        'IPv4 and TCP, as long as Ethernet allows': ethernet.ipv4().tcp().payload(1460).bytes(),
        'IPv6 and UDP': ethernet.ipv6().udp().payload('hello').bytes(),
        'a length in place of a type (IEEE 802.3)': ethernet.change('ethernet', { type: 46 }).payload(46).bytes(),
        'an IPv4 header that lies': ethernet.ipv4({ headerLength: 15, totalLength: 9, checksum: 0 }).bytes(),
        'a VLAN tag': tagged.bytes(),
        'a VLAN tag around as much as Ethernet allows': ethernet.vlan({ id: 5 }).ipv4().udp().payload(1472).bytes(),
        'a priority tag': ethernet.vlan({ id: 0, priority: 3 }).arp().padded(60),
        'two tags, one of the provider': ethernet.vlan({ id: 9 }).vlan({ id: 4095, dropEligible: 1 }).ipv4().bytes(),
        'two tags of the customer': ethernet
          .vlan({ id: 9, type: 0x8100 })
          .vlan({ id: 5 })
          .change('ethernet', { type: 0x8100 })
          .ipv6()
          .bytes(),
      }
      const outcomes = Object.entries(frames).map(([what, bytes]) => `${what}: ${outcome(lab, 'a', bytes)}`)
      expect(outcomes).toEqual(Object.keys(frames).map((what) => `${what}: b c`))
    })

    test('garbage too', async () => {
      using lab = await open()
      // Tags are taken out by the kernel before anybody sees the frame, and so they must be whole.
      const type = fc.integer({ min: 0, max: 0xffff }).filter((one) => one !== 0x8100 && one !== 0x88a8)
      const garbage = fc.tuple(type, fc.uint8Array({ maxLength: 1500 }))
      fc.assert(
        fc.property(garbage, ([type, bytes]) => {
          expect(outcome(lab, 'a', ethernet.change('ethernet', { type }).payload(bytes).bytes())).toBe('b c')
        }),
        { numRuns: machine === 'vm' ? 100 : 20 },
      )
    })
  })

  describe('counters', () => {
    const count = (packets: number, bytes: number) => ({ packets: BigInt(packets), bytes: BigInt(bytes) })
    const none = count(0, 0)

    test('are exact, by port and by reason', async () => {
      using lab = await open()
      const length = frame('alice', 'bob').bytes().length
      const longer = frame('alice', 'everybody').bytes().length
      for (const [port, from, to] of [
        ['a', 'alice', 'bob'],
        ['b', 'bob', 'alice'],
        ['a', 'alice', 'everybody'],
        ['a', 'alice', 'everybody'],
        ['b', 'alice', 'alice'],
        ['b', 'nobody', 'alice'],
        ['b', 'bob', 'lldp'],
      ] as const)
        lab.send(port, frame(from, to).bytes())
      const [b2a, a2a, n2a, b2l] = [
        ['bob', 'alice'],
        ['alice', 'alice'],
        ['nobody', 'alice'],
        ['bob', 'lldp'],
      ].map(([from = '', to = '']) => frame(from, to).bytes().length) as [number, number, number, number]
      expect(lab.counters('a')).toEqual({
        received: count(3, length + 2 * longer),
        sent: count(1, b2a),
        drops: {},
        lost: {},
        punts: {},
      })
      expect(lab.counters('b')).toEqual({
        received: count(4, b2a + a2a + n2a + b2l),
        sent: count(3, length + 2 * longer),
        drops: { same_port: count(1, a2a), invalid_source: count(1, n2a), link_local: count(1, b2l) },
        lost: {},
        punts: {},
      })
      expect(lab.counters('c')).toEqual({
        received: none,
        sent: count(3, length + 2 * longer),
        drops: {},
        lost: {},
        punts: {},
      })
    })

    test('do not have the outer tag of a frame, which is carried beside it', async () => {
      using lab = await open()
      const tagged = packet().ethernet().vlan({ id: 5 }).ipv4().udp().payload('tagged').bytes()
      lab.send('a', tagged)
      // net/core/dev.c takes it out (skb_vlan_untag) before any program at the ingress runs.
      const length = tagged.length - 4
      expect(lab.counters('a').received).toEqual(count(1, length))
      expect(lab.counters('b').sent).toEqual(count(1, length))
    })
  })

  describe('what happens to a bridge that runs', () => {
    test('another configuration keeps what it has learned and counted', async () => {
      using lab = await open()
      expectScript(lab, 'bob@b → everybody: a c\n20 s pass')
      await lab.apply({ config: { agingTime: 20 } })
      expectScript(lab, 'alice@a → bob: b\n1 s pass\nalice@a → bob: b c')
      await lab.apply({ config: { agingTime: 21 } })
      expectScript(lab, 'alice@a → bob: b')
      expect(lab.counters('b')).toMatchObject({ received: { packets: 1n }, sent: { packets: 3n } })
    })

    test('a port that goes takes its stations along, and nobody else’s', async () => {
      using lab = await open()
      expectScript(lab, 'carol@c → everybody: a b\nbob@b → everybody: a c')
      await lab.apply({ ports: { a: {}, b: {}, d: {} } })
      expectScript(
        lab,
        `alice@a → carol: b d
         alice@a → bob: b
         carol@d → everybody: a b
         alice@a → carol: d`,
      )
    })

    test('a port that comes back is another one, and the others stay what they were', async () => {
      using lab = await open()
      expectScript(lab, 'carol@c → everybody: a b\nbob@b → everybody: a c')
      await lab.apply({ ports: { a: {}, b: {} } })
      await lab.apply({ ports: { d: {}, c: {}, b: {}, a: {} } })
      expectScript(
        lab,
        `alice@a → bob: b
         alice@a → carol: b c d
         carol@c → alice: a
         alice@a → carol: c
         alice@a → dave: b c d`,
      )
    })

    test('a port can cease to learn, and knows its stations still', async () => {
      using lab = await open()
      expectScript(lab, 'bob@b → everybody: a c')
      await lab.apply({ ports: { a: {}, b: { learning: false }, c: {} } })
      expectScript(lab, 'alice@a → bob: b\ndave@b → everybody: a c\nalice@a → dave: b c')
    })
  })

  test('the view of the stations has the name of the port, and when they were seen', async () => {
    using lab = await open()
    expect(await lab.view('stations')).toEqual([])
    expectScript(lab, 'bob@b → everybody: a c\n2.5 s pass\nalice@a → bob: b\n1.5 s pass')
    expect(await lab.view('stations')).toEqual([
      { address: address('alice'), port: 'a', seen: '1 s ago' },
      { address: address('bob'), port: 'b', seen: '4 s ago' },
    ])
    lab.table('stations').set({ address: address('carol') }, { port: 9, seen: lab.clock.now() })
    await lab.apply({ ports: { a: {} } })
    lab.clock.advance(296n * SECOND)
    expect(await lab.view('stations')).toEqual([
      { address: address('alice'), port: 'a', seen: '297 s ago' },
      { address: address('carol'), port: '(removed: 9)', seen: '296 s ago' },
    ])
    lab.clock.advance(4n * SECOND)
    expect(await lab.view('stations')).toEqual([{ address: address('carol'), port: '(removed: 9)', seen: '300 s ago' }])
  })

  test('the table of the stations is the control plane’s too', async () => {
    using lab = await open()
    const stations = lab.table('stations')
    expectScript(lab, 'bob@b → everybody: a c')
    expect(stations.get({ address: address('bob') })).toEqual({ port: 1, seen: lab.clock.now() })
    stations.set({ address: address('carol') }, { port: 2, seen: lab.clock.now() })
    expectScript(lab, 'alice@a → carol: c')
    expect(stations.delete({ address: address('bob') })).toBe(true)
    expectScript(lab, 'alice@a → bob: b c')
    expect(stations.entries().map(([key]) => key.address)).toEqual(
      expect.arrayContaining([address('alice'), address('carol')]),
    )
  })

  test('forty ports', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `port-${index}`)
    using lab = await open({ ports: Object.fromEntries(names.map((name) => [name, {}])) })
    expect(outcome(lab, 'port-39', frame('alice', 'bob').bytes()).split(' ')).toEqual(names.slice(0, 39).sort())
    for (const index of [0, 1, 20, 38, 39]) {
      const name = names[index] ?? ''
      const station = `02:00:00:00:01:${index.toString(16).padStart(2, '0')}`
      expect(outcome(lab, name, frame(station, 'alice').bytes())).toBe(
        name === 'port-39' ? 'dropped as same_port' : 'port-39',
      )
      expect(outcome(lab, 'port-39', frame('alice', station).bytes())).toBe(
        name === 'port-39' ? 'dropped as same_port' : name,
      )
    }
  })

  test('does what a naive switch does', async () => {
    using lab = await open({ ports: MODEL_PORTS })
    const started = lab.table('stations')
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
        for (const [key] of started.entries()) started.delete(key)
        const model = new NaiveSwitch()
        for (const { pass, port, from, to } of steps) {
          lab.clock.advance(pass)
          const expected = model.receive(port, from, to, lab.clock.now())
          expect(outcome(lab, port, frame(from, to).bytes()), `${from}@${port} → ${to}`).toBe(expected)
        }
        const known = started.entries().map(([key, value]) => [key.address, value.port, value.seen])
        expect(known.sort()).toEqual(model.table().sort())
      }),
      { numRuns: machine === 'vm' ? 60 : 8 },
    )
  })
})

const MODEL_PORTS = { a: {}, b: {}, c: { learning: false }, d: {} }

const step = fc.record({
  pass: fc.constantFrom(0n, 0n, 0n, 1n, SECOND, SECOND + 1n, 150n * SECOND, 300n * SECOND, 300n * SECOND + 1n),
  port: fc.constantFrom(...Object.keys(MODEL_PORTS)),
  from: fc.constantFrom('alice', 'bob', 'carol', 'dave', 'nobody', 'allNodes'),
  to: fc.constantFrom('alice', 'bob', 'carol', 'dave', 'nobody', 'everybody', 'lldp', 'notReserved'),
})

/** What a switch does, in the plainest words. */
class NaiveSwitch {
  readonly #stations = new Map<string, { port: string; seen: bigint }>()

  receive(port: string, from: string, to: string, now: bigint): string {
    const others = Object.keys(MODEL_PORTS).filter((other) => other !== port)
    if (from === 'nobody' || from === 'allNodes') return 'dropped as invalid_source'
    if (port !== 'c') {
      const known = this.#stations.get(from)
      const fresh = known?.port === port && now - known.seen <= SECOND
      if (!fresh) this.#stations.set(from, { port, seen: now })
    }
    if (to === 'lldp') return 'dropped as link_local'
    const station = this.#stations.get(to)
    if (station === undefined || now - station.seen > 300n * SECOND) return others.join(' ')
    return station.port === port ? 'dropped as same_port' : station.port
  }

  table(): (string | number | bigint)[][] {
    const number = (port: string) => Object.keys(MODEL_PORTS).indexOf(port)
    return [...this.#stations].map(([name, { port, seen }]) => [address(name), number(port), seen])
  }
}
