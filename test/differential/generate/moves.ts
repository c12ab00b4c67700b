/** What changes the size or the shape of the packet. */
import type { Draft } from './draft.ts'
import { unsigned } from './integers.ts'
import { returned } from './statements.ts'

/** Headers from before are stale afterwards. */
export function move(draft: Draft): string[] {
  const text = draft.oneOf(
    [2, () => 'packet.popVlan()'],
    [2, () => `packet.pushVlan(${[tag(draft), ...draft.oneOf([1, () => []], [1, () => more(draft)])].join(', ')})`],
    [2, () => `packet.truncate(${size(draft, 100)})`],
    [1, () => `packet.growTail(${size(draft, 100)})`],
    [1, () => `packet.shrinkTail(${size(draft, 30)})`],
    [2, () => `packet.${draft.pick(['encapsulate', 'decapsulate'])}(${tunnel(draft)})`],
    [1, () => `packet.growHead(${draft.pick([1, 4, 14, 50, 128, 255])})`],
    [1, () => `packet.shrinkHead(${draft.pick([1, 4, 14, 28, 50])})`],
  )
  draft.moves++
  return draft.oneOf(
    [1, () => [text]],
    [2, () => [`if (!${text}) return ${returned(draft, 0)}`]],
    [
      1,
      () => {
        const name = draft.fresh('v')
        draft.declare(name, 'bool')
        return [`const ${name} = ${text}`]
      },
    ],
  )
}

const TUNNELS = [
  ['IPv4'],
  ['IPv6'],
  ['IPv4', 'Udp', 'Vxlan', 'Ethernet'],
  ['IPv6', 'Udp', 'Vxlan', 'Ethernet'],
  ['IPv4', 'Gre'],
  ['IPv4', 'Gre', 'Ethernet'],
  ['IPv6', 'Udp', 'Listed'],
]

const tunnel = (draft: Draft): string =>
  draft
    .pick(TUNNELS)
    .map((header) => draft.word(header))
    .join(', ')

const tag = (draft: Draft): string => draft.oneOf([1, () => String(draft.choose(4096))], [1, () => unsigned(draft, 1)])

const more = (draft: Draft): string[] =>
  draft.oneOf(
    [1, () => [String(draft.choose(8))]],
    [1, () => [unsigned(draft, 0)]],
    [1, () => [unsigned(draft, 0), `${draft.word('ETHERTYPE')}.${draft.pick(['vlan', 'serviceVlan'])}`]],
  )

const size = (draft: Draft, most: number): string =>
  draft.oneOf(
    [2, () => String(draft.choose(most))],
    [2, () => `14 + (${unsigned(draft, 1)} & 63)`],
    [1, () => `packet.length - ${draft.choose(20)}`],
    [1, () => unsigned(draft, 1)],
  )
