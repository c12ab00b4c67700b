/** Programs whose numbers are left open: bound, they are what would have been compiled for those numbers, or they are not made. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Refusal } from '../base/diagnostic.ts'
import type { Program } from '../isa/program.ts'
import type { Assembly, Node, Way } from './assembly.ts'
import { chapters, compileCase, readCase } from './cases/read.ts'
import { assemble, assembleShared, sortWays } from './compile.ts'
import { loadModules } from './modules.ts'
import { openAssembly } from './open.ts'
import { graphOf } from './passes/graph-text.ts'
import { bind, checkCopied, Decisive } from './shared.ts'
import { newValue } from './value.ts'
import { Wired } from './wired.ts'

const modules = await loadModules(join(import.meta.dirname, 'cases', 'lan.ts'))

/** Undefined where it is refused. */
function assembled(assembly: Assembly): Program | undefined {
  try {
    return assemble(assembly)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return undefined
  }
}

/** What others that are alike become by it. Undefined where its numbers decide more than themselves. */
function shared(assembly: Assembly): ((other: Assembly) => Program) | undefined {
  const open = (one: Assembly) => openAssembly(sortWays(one), () => true)
  try {
    const found = assembleShared(open(assembly).assembly)
    return (other) => {
      const { numbers, instances } = open(other)
      const maps = (name: string, description: Program['maps'][string]) => {
        const [number, map] = name.split('/')
        return [map === undefined ? name : `${instances[Number(number)]}/${map}`, description ?? none()] as const
      }
      return bind(found, { name: other.name, numbers, maps })
    }
  } catch (error) {
    if (error instanceof Decisive || error instanceof Refusal) return undefined
    throw error
  }
}

/** As it is where nothing was open. */
const closed = ({ open: _, ...program }: Program): Program => program

function none(): never {
  throw new Error('it has no description')
}

interface Numbers {
  readonly port: number
  readonly ports: readonly number[]
  readonly config?: Node['config']
}

function caseOf(body: string, hook: 'tc' | 'xdp', { port, ports, config }: Numbers): Assembly {
  const [source, options] = readCase(modules, body, hook)
  const ways = ports.map((one): Way => ({ port: one, to: 'interface', ifindex: 1000 + 7 * one }))
  const node = { source, config: config ?? options.config, port: { id: port, config: options.port }, capacity: 4, ways }
  return { name: `by_${port}`, hook, nodes: [{ instance: `at${port}`, ...node }] }
}

const between = (port: number, ...ports: readonly number[]): Numbers => ({ port, ports })

const SOURCE = `const ethernet = packet.read(Ethernet); if (!ethernet) return drop('truncated'); const address = ethernet.source`
const STATION = `${SOURCE}; const station = state.stations.get({ address })`
const MANY = [between(1, 1, 2, 3), between(3, 3, 2, 1), between(0, 2, 0, 3), between(300, 700, 300, 2)]

describe('is what is compiled', () => {
  const cases = chapters().flatMap(({ cases, hook, title }) =>
    cases.filter(({ expected }) => expected === '').map(({ title: one, source }) => ({ title, one, source, hook })),
  )
  test.each(cases)('$title: $one', ({ source, hook }) => {
    const assembly = caseOf(source, hook, between(1, 1, 2, 3))
    const bindTo = shared(assembly)
    if (bindTo !== undefined) expect(closed(bindTo(assembly))).toEqual(assembled(assembly))
  })

  const BODIES = {
    'copies of its port': `${SOURCE}; state.stations.set({ address }, { port: port.id, seen: now(), trusted: false }); return flood()`,
    'a comparison': `return state.gauge.get().level === port.id ? drop('unwanted') : flood()`,
    'a port that is found': `${SOURCE}; const found = state.stations.get({ address }); return found ? forward(found.port) : pass()`,
  }
  test.each(Object.entries(BODIES))('for a port: %s', (_, body) => {
    for (const hook of ['tc', 'xdp'] as const) {
      const bindTo = shared(caseOf(body, hook, between(2, 1, 2, 3)))
      if (bindTo === undefined) throw new Error('it could be shared')
      for (const numbers of MANY) {
        const other = caseOf(body, hook, numbers)
        expect(closed(bindTo(other))).toEqual(assembled(other))
      }
    }
  })

  const SET = `${SOURCE}; state.stations.set({ address }, { port: config.limit, seen: now(), trusted: false }); return pass()`
  const CONFIGURED = {
    'what is kept in a table': SET,
    'next to another number': `${SOURCE}; state.stations.set({ address }, { port: config.limit, seen: 7, trusted: true }); return pass()`,
    'what is written to a packet': `const ethernet = packet.read(Ethernet); if (!ethernet) return pass(); ethernet.type = config.limit; return pass()`,
    'what is part of a checksum': `const udp = packet.read(Udp, 34); if (!udp) return pass(); udp.destinationPort = config.limit; return pass()`,
    'what is part of two': `const udp = packet.read(Udp, 34); if (!udp) return pass(); udp.destinationPort = config.limit; udp.sourcePort = 7; return pass()`,
    'what is written next to another number': `const words = packet.read(Words, 14); if (!words) return pass(); words.words[1] = config.limit; words.words[2] = config.limit; words.words[4] = 9; return pass()`,
    'what is part of a checksum in the order of the wire': `const tcp = packet.read(Tcp, 34); if (!tcp) return pass(); tcp.sequence = config.limit; return pass()`,
    'what becomes part of an entry': `state.gauge.get().level = config.limit; return pass()`,
    'how old something is at most': `${STATION}; return !station || now() - station.seen > seconds(config.limit) ? flood() : pass()`,
    'how old something is at least': `${STATION}; return station && now() - station.seen < seconds(config.limit) ? pass() : flood()`,
  }
  test.each(Object.entries(CONFIGURED))('for numbers of the configuration: %s', (_, body) => {
    const given = (limit: number): Numbers => ({ port: 1, ports: [1, 2], config: { limit } })
    const bindTo = shared(caseOf(body, 'tc', given(300)))
    if (bindTo === undefined) throw new Error('it could be shared')
    for (const limit of [127, 128, 200, 255, 256, 301, 40_000, 65_535]) {
      const other = caseOf(body, 'tc', given(limit))
      expect(closed(bindTo(other))).toEqual(assembled(other))
    }
  })
})

describe('is not made where a number decides', () => {
  test.each([
    ['what is computed with it', 'return forward(packet.length + port.id)'],
    ['exactly', 'return packet.length > port.id * 70000 ? pass() : flood()'],
    ['by another name', 'const id = port.id; return packet.length > id - 5 ? pass() : flood()'],
    [
      'as an argument',
      'function twice(id: u32) { return id * 2 }; export default dataplane(lan, (packet, { port, forward }) => { return forward(twice(port.id)) })',
    ],
    ['which way is taken', 'return port.id === 1 ? pass() : flood()'],
    ['what fits', 'return packet.length === u8(port.id) ? pass() : flood()'],
    ['where it leads', 'return forward(port.id)'],
    ['how often', 'let x = 0; for (let i = 0; i < port.id; i++) x += packet.length; return forward(x)'],
    ['what a choice may be', 'return forward(packet.length > 100 ? port.id : 2)'],
    ['what a setting is compared with', 'return packet.length > config.aging ? pass() : flood()'],
    ['what a setting adds to', 'return forward(packet.length + config.aging)'],
    ['what becomes of a time', `${STATION}; if (station) station.seen = seconds(config.aging); return pass()`],
    [
      'what else an age is compared with',
      `${STATION}; return station && now() - station.seen > seconds(config.aging) && now() - station.seen > 7 ? flood() : pass()`,
    ],
    ['whether it is a time', `${STATION}; return station && station.seen === seconds(config.aging) ? flood() : pass()`],
    [
      'the low bytes of a time',
      `const udp = packet.read(Udp, 34); if (!udp) return pass(); udp.destinationPort = u16(seconds(config.aging)); return pass()`,
    ],
    [
      'the low bytes of a time, next to others',
      `${SOURCE}; state.stations.set({ address }, { port: u16(seconds(config.aging)), seen: 7, trusted: true }); return pass()`,
    ],
    ['how far a setting reads', 'return packet.read(Ethernet, config.aging) ? pass() : flood()'],
  ])('%s', (_, body) => {
    expect(shared(caseOf(body, 'tc', between(1, 1, 2, 3)))).toBeUndefined()
    expect(() => compileCase(modules, body)).not.toThrow()
  })

  test('a time for which an instruction has room', () => {
    const body = `${STATION}; return station && now() - station.seen > seconds(config.limit) ? flood() : pass()`
    const made = [1, 2, 4, 5, 7, 8].map((limit) =>
      shared(caseOf(body, 'tc', { port: 1, ports: [1, 2], config: { limit } })),
    )
    expect(made.map((one) => one !== undefined)).toEqual([false, false, false, false, false, true])
  })
})

test('however long a chain of choices is, it may be compared with an open number', () => {
  const LENGTH = 20_000
  const choices = Array.from({ length: LENGTH }, (_, n) => `v${n + 2} = phi(v1, v${n + 1})`)
  const given = ['b0:', 'v0 = context()', 'v1 = changing 2 0(v0)', ...choices]
  const ends = [`if v${LENGTH + 1} eq32 7 then b1 else b2`, 'b1:', 'return 1', 'b2:', 'return 2']
  const graph = graphOf([...given, ...ends].join('\n'))
  const { end, values } = graph.entry
  if (end?.op !== 'branch') throw new Error('it ends in a test')
  const port = new Wired({ name: 'port', bits: 16, places: [0], of: ([first = 0]) => first, isCompared: true })
  end.right = newValue({ op: 'wired', wired: port }, LENGTH + 2, [], end.at)
  values.unshift(end.right)
  expect(() => checkCopied(graph)).not.toThrow()
  end.left = end.right
  expect(() => checkCopied(graph)).toThrow(Decisive)
})
