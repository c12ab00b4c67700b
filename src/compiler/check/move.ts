/** What may move the packet. */
import { ETHERTYPE } from '../../lang/index.ts'
import type { Expression, Of } from '../narrow/tree.ts'
import { BOOL, type IntType, type Move, type Typed, U8, U16, U32 } from '../typed.ts'
import { coerce } from './convert.ts'
import { value } from './expression.ts'
import { read } from './packet.ts'
import type { Scope } from './scope.ts'
import { packetMoved } from './stale.ts'
import { isTunnelMethod, TUNNEL_METHODS, tunnelCall } from './tunnel.ts'

/** With what is written in their parentheses. */
const FORMS: Readonly<Record<Move, string>> = {
  pushVlan: 'id, priority?',
  popVlan: '',
  truncate: 'length',
  growTail: 'bytes',
  shrinkTail: 'bytes',
  growHead: '50',
  shrinkHead: '50',
}

const isMove = (name: string): name is Move => Object.hasOwn(FORMS, name)

export const PACKET_METHODS: readonly string[] = ['read', ...Object.keys(FORMS), ...TUNNEL_METHODS]

export function packetMethod(scope: Scope, node: Of<'call'>, name: string): Typed {
  if (!isMove(name) && !isTunnelMethod(name)) return read(scope, node)
  return isMove(name) ? move(scope, node, name) : tunnelCall(scope, node, name)
}

/** The most bytes that are put in front of a packet, or taken away there, at once. */
const MOST_HEAD = 0xfff

/** `packet.pushVlan(…)` and the like. */
function move(scope: Scope, node: Of<'call'>, name: Move): Typed {
  const operands = operandsOf(scope, node, name)
  packetMoved(scope, `packet.${name}(${FORMS[name] === '' ? '' : '…'})`)
  return { op: 'move', move: name, operands, type: BOOL, at: scope.at(node.span) }
}

function operandsOf(scope: Scope, node: Of<'call'>, name: Move): Typed[] {
  const given = node.arguments
  const [least, most] = name === 'pushVlan' ? [1, 3] : name === 'popVlan' ? [0, 0] : [1, 1]
  if (given.length < least || given.length > most)
    throw scope.unfit(
      node.span,
      `${given.length} argument${given.length === 1 ? '' : 's'}, where ${least === most ? least : `${least} to ${most}`} belong`,
      `write packet.${name}(${FORMS[name]})`,
    )
  const integer = (argument: Expression, type: IntType) => coerce(scope, value(scope, argument), type, argument.span)
  const [first, second, third] = given
  switch (name) {
    case 'pushVlan':
      return [
        first === undefined ? undefined : within(scope, integer(first, U16), 0xfffn, first),
        second === undefined ? constant(scope, 0, node) : within(scope, integer(second, U8), 7n, second),
        third === undefined ? constant(scope, ETHERTYPE.vlan, node) : typeOfTag(scope, integer(third, U16), third),
      ].flatMap((one) => one ?? [])
    case 'growHead':
    case 'shrinkHead':
      return first === undefined ? [] : [constantSize(scope, first, name)]
    default:
      return given.map((argument) => integer(argument, U32))
  }
}

const constant = (scope: Scope, value: number, { span }: Expression): Typed => ({
  op: 'constant',
  value: BigInt(value),
  type: U32,
  at: scope.at(span),
})

/** A constant must fit; of a variable, the low bits count. */
function within(scope: Scope, typed: Typed, most: bigint, { span }: Expression): Typed {
  if (typed.op !== 'constant' || typed.value <= most) return typed
  throw scope.unfit(span, `${typed.value} has more bits than a VLAN tag has for it`, `0 to ${most} do`)
}

/** What is no type of a tag, the kernel takes for `ETHERTYPE.vlan`. */
function typeOfTag(scope: Scope, typed: Typed, { span }: Expression): Typed {
  const known: readonly bigint[] = [ETHERTYPE.vlan, ETHERTYPE.serviceVlan].map(BigInt)
  if (typed.op !== 'constant' || known.includes(typed.value)) return typed
  throw scope.unfit(span, 'a VLAN tag has one of two types', 'write ETHERTYPE.vlan or ETHERTYPE.serviceVlan')
}

function constantSize(scope: Scope, node: Expression, name: 'growHead' | 'shrinkHead'): Typed {
  const typed = value(scope, node)
  if (typed.op === 'constant' && typed.value >= 1n && typed.value <= MOST_HEAD) return { ...typed, type: U32 }
  throw scope.unfit(
    node.span,
    `${name === 'growHead' ? 'room in front of the packet' : 'what is taken away in front of the packet'} is a constant of 1 to ${MOST_HEAD} bytes`,
    `write packet.${name}(Ethernet.size)`,
  )
}
