/** The headers of tunnels: those that `encapsulate` makes room for, and `decapsulate` takes away. */
import { Ethernet, Gre, IPv4, IPv6, type StructType, Udp } from '../../lang/index.ts'
import type { Of } from '../narrow/tree.ts'
import { BOOL, type Tunnel, type Typed } from '../typed.ts'
import { asStruct } from './convert.ts'
import { expression } from './expression.ts'
import type { Scope } from './scope.ts'
import { packetMoved } from './stale.ts'

export const TUNNEL_METHODS = ['encapsulate', 'decapsulate'] as const
export type TunnelMethod = (typeof TUNNEL_METHODS)[number]
export const isTunnelMethod = (name: string): name is TunnelMethod => TUNNEL_METHODS.some((one) => one === name)

/** bpf_skb_adjust_room takes no more. */
const MOST = 0xfff

export function tunnelCall(scope: Scope, node: Of<'call'>, op: TunnelMethod): Typed {
  const tunnel = tunnelOf(scope, node, op)
  packetMoved(scope, `packet.${op}(…)`)
  return { op, tunnel, type: BOOL, at: scope.at(node.span) }
}

function tunnelOf(scope: Scope, node: Of<'call'>, op: TunnelMethod): Tunnel {
  const form = `write packet.${op}(IPv4, Udp, Vxlan, Ethernet), or what lies between the Ethernet header and what is carried`
  const headers = node.arguments.map((argument): StructType => {
    const struct = asStruct(expression(scope, argument))
    if (struct?.order === 'network') return struct
    throw scope.unfit(argument.span, 'this is not a header', form)
  })
  const [outer, transport] = headers
  if (outer !== IPv4 && outer !== IPv6)
    throw scope.unfit(node.arguments[0]?.span ?? node.span, 'a tunnel begins with IPv4 or IPv6', form)
  const inner = headers.indexOf(Ethernet)
  if (inner !== -1 && inner !== headers.length - 1)
    throw scope.unfit(node.arguments[inner]?.span ?? node.span, 'an inner Ethernet header is the last one', form)
  const size = headers.reduce((sum, header) => sum + header.size, 0)
  if (size > MOST)
    throw scope.unfit(
      node.span,
      `these headers take ${size} bytes; ${MOST} are the most`,
      'name only what the tunnel adds',
    )
  return {
    headers: headers.map(({ name }) => name),
    size,
    version: outer === IPv4 ? 4 : 6,
    transport: transport === Udp ? 'udp' : transport === Gre ? 'gre' : undefined,
    ethernet: inner !== -1,
  }
}
