/** What is refused because of its types, `tsc --strict` refuses too; and what is like it and right, both take. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Refusal } from '../src/base/diagnostic.ts'
import { compile, dataPlaneOf } from '../src/compiler/compile.ts'
import { loadModules, parseModule } from '../src/compiler/modules.ts'
import { gate } from './language/schema.ts'
import { typeErrors } from './language/tsc.ts'

const folder = join(import.meta.dirname, 'language')

/** Wrong, and right. They follow what is known in all of them. */
const PAIRS: readonly (readonly [wrong: string, right: string])[] = [
  ['ip.sauce', 'ip.source'],
  ['ip.source === ethernet.source', 'ip.source === ip.destination'],
  ['ip.source = ethernet.source', 'ethernet.destination = ethernet.source'],
  ['ip.timeToLive = true', 'ip.timeToLive = 5'],
  ['packet.length = 5', 'ip.totalLength = 5'],
  ['const x: mac = ip.source', 'const x: mac = ethernet.source'],
  ['ip.source + 1', 'u32(ip.source) + 1'],
  ['packet.read(Arp).operation', 'packet.read(Arp)?.operation ?? 0'],
  ['packet.read(5)', 'packet.read(Arp)'],
  ["packet.read(Arp, 'far')", 'packet.read(Arp, 20)'],
  ["packet.growHead('5')", 'packet.growHead(5)'],
  ['packet.shrinkHead()', 'packet.shrinkHead(5)'],
  ['packet.encapsulate(5)', 'packet.encapsulate(IPv4)'],
  ['packet.rewind()', 'packet.popVlan()'],
  ["drop('unwonted')", "if (packet.length > 60) return drop('unwanted')"],
  ['if (ip.service) return forward(ip.source)', 'if (ip.service) return forward(ip.timeToLive)'],
  ["if (ip.service) return forward('uplink')", 'if (ip.service) return forward(port.id)'],
  ['config.limits', 'config.limit'],
  ['port.uplinks', 'port.uplink'],
  ['state.nothing', 'state.flows.get({ source: ip.source, port: 1 })'],
  ['state.flows.get({ source: ip.source })', 'state.flows.delete({ source: ip.source, port: 1 })'],
  ['state.stations.get({ address: ip.source })', 'state.stations.get({ address: ethernet.source })'],
  ['state.stations.get({ address: ethernet.source, port: 1 })', 'state.stations.delete({ address: ethernet.source })'],
  ['state.flows.set({ source: ip.source, port: 1 })', 'state.flows.set({ source: ip.source, port: 1 }, { bytes: 1 })'],
  [
    'state.flows.set({ source: ip.source, port: 1 }, { bytes: true })',
    'state.flows.add({ source: ip.source, port: 2 }, { bytes: 1 })',
  ],
  ['state.totals.delete({ index: 1 })', 'state.totals.set({ index: 1 }, { packets: 1, last: 2 })'],
  ['state.routes.set({ destination: ip.source }, { port: 1 })', 'state.routes.get({ destination: ip.source })'],
  ['state.rules.set({ source: ip.source }, { port: 1 })', 'state.rules.get({ source: ip.source })'],
  ['state.stations.pop()', 'state.seen.pop()'],
  ['state.seen.get({})', 'state.seen.peek()'],
  ['state.arrivals.emit({ address: ethernet.source })', 'state.arrivals.emit({ address: ethernet.source, port: 1 })'],
  ['state.known.has({ address: ip.source })', 'state.known.has({ address: ethernet.source })'],
  ['state.gauge.set({ packets: 1, longest: 1 })', 'state.gauge.get().packets = 1'],
  ['history.lengths = words.routes', 'history.lengths = other.lengths'],
  ['history.lengths = 5', 'history.lengths[5] = 5'],
  ['history.lengths[0] = ip.source', 'history.lengths[0] = u32(ip.source)'],
  ['words.routes[0] = { family: 1 }', 'words.routes[0] = words.routes.at(1)'],
  ['words.routes.at(0).address = 5', 'words.routes.at(0).address = ip.source'],
  [
    'state.history.set({ port: 1 }, { lengths: [1, 2], next: 0 })',
    'state.history.set({ port: 1 }, { lengths: [1, 2, 3, 4, 5, 6, 7, 8], next: 0 })',
  ],
  [
    "state.history.set({ port: 1 }, { lengths: fill('0'), next: 0 })",
    'state.history.set({ port: 1 }, { lengths: fill(0), next: 0 })',
  ],
  ["atomic.add(gauge, 'packet', 1)", "atomic.add(gauge, 'packets', 1)"],
  ["atomic.add(gauge, 'packets', true)", "atomic.exchange(gauge, 'longest', 1)"],
  ["atomic.add(station, 'address', 1)", "atomic.add(flow, 'bytes', 1)"],
  ['bucket.tokens = 0', 'flow.bytes = 0'],
  ['state.seen.peek().address', 'state.gauge.get().packets'],
  ['u8(true)', 'u8(packet.length > 5 ? 1 : 0)'],
  ['contains(ip.source, ip.source)', "contains(prefix('10.0.0.0/8'), ip.source)"],
  ['masked(packet.length, 5)', 'masked(ip.source, 5)'],
  ['mac([1, 2, 3])', 'mac([1, 2, 3, 4, 5, packet.length])'],
  ['isMulticast(ip.source)', 'isMulticast(ethernet.source)'],
  ['const { sauce } = ip', 'const { source } = ip'],
  ['const { ports } = port', 'const { id } = port'],
]

const IMPORTS =
  "import { gate, Ripv2 } from './schema.ts'; import { dataplane } from 'tessera/cube'; import { Arp, atomic, contains, Ethernet, fill, ipv4, IPv4, isMulticast, mac, masked, prefix, u8, u32 } from 'tessera/lang'"
const KNOWN = `  const ethernet = packet.read(Ethernet)
  const ip = packet.read(IPv4, Ethernet.size)
  const words = packet.read(Ripv2, 42)
  const history = state.history.get({ port: 1 })
  const other = state.history.get({ port: 2 })
  const bucket = state.buckets.get({ source: mac('02:00:00:00:00:01') })
  const station = state.stations.get({ address: mac('02:00:00:00:00:01') })
  const flow = state.flows.get({ source: ipv4('10.0.0.1'), port: 1 })
  const gauge = state.gauge.get()
  if (!ethernet || !ip || !words || !history || !other || !bucket || !station || !flow) return drop('truncated')`
const module = (line: string, isWrong: boolean): string =>
  `${IMPORTS}
export default dataplane(gate, (packet, { state, config, port, now, drop, forward, flood, pass }) => {
${KNOWN}
${isWrong ? '  // @ts-expect-error\n' : ''}  ${line}
  return pass()
})
`

const wiring = { port: 1, exits: [1, 2].map((port) => ({ port, ifindex: 10 + port })), capacity: 4 }

describe('types', async () => {
  const modules = await loadModules(join(folder, 'schema.ts'))
  const compileText = (text: string): unknown => {
    const file = join(folder, 'dataplane.ts')
    const module = parseModule(file, text, { default: { cube: gate } })
    const options = { name: 'sample', config: gate.config.parse({}), port: gate.ports.parse({}), wiring }
    return compile(dataPlaneOf(new Map([...modules, [file, module]]), file), options)
  }

  test.each(PAIRS)('%s is refused', (wrong) => {
    expect(() => compileText(module(wrong, true))).toThrow(Refusal)
  })

  test.each(PAIRS)('%s is refused, but not %s', (_, right) => {
    compileText(module(right, false))
  })

  test('tsc agrees', () => {
    const files = PAIRS.flatMap(([wrong, right], index): [string, string][] => [
      [`wrong-${index}.ts`, module(wrong, true)],
      [`right-${index}.ts`, module(right, false)],
    ])
    expect(typeErrors(new Map(files))).toBe('')
  })
})
