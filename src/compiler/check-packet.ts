/** What a data plane asks of the packet. */
import { FARTHEST, LONGEST_HEADER } from '../lang/index.ts'
import { arity } from './check-call.ts'
import { asStruct, convert } from './check-convert.ts'
import { expression, value } from './check-expression.ts'
import type { Scope } from './scope.ts'
import type { Expression, Of } from './tree.ts'
import { nameOfType, type Typed, U32 } from './typed.ts'

/** `packet.read(Header, offset?)` */
export function read(scope: Scope, node: Of<'call'>): Typed {
  arity(scope, node, 1, 2, 'write packet.read(Ethernet), or packet.read(IPv4, Ethernet.size)')
  const [first, second] = node.arguments as readonly [Expression, Expression | undefined]
  const struct = asStruct(expression(scope, first))
  if (struct === undefined || struct.order !== 'network')
    throw scope.unfit(first.span, 'this is not a header', "name one: Ethernet, or header('Mine', { field: u16 })")
  if (struct.size > LONGEST_HEADER)
    throw scope.unfit(
      first.span,
      `${struct.name} has ${struct.size} bytes; a header has ${LONGEST_HEADER} at most`,
      'read it in parts',
    )
  const at = scope.at(node.span)
  const type = { kind: 'reference', struct, space: 'packet', nullable: true } as const
  const none: Typed = { op: 'constant', value: 0n, type: U32, at }
  return { op: 'read', struct, offset: second === undefined ? none : offset(scope, second), type, at }
}

/** Bytes from the start of the packet. */
function offset(scope: Scope, node: Expression): Typed {
  const typed = value(scope, node)
  const { type } = typed
  if (typed.op === 'constant' && (typed.value < 0n || typed.value > BigInt(FARTHEST)))
    throw scope.unfit(
      node.span,
      `a header starts 0 to ${FARTHEST} bytes into the packet`,
      'write packet.read(IPv4, Ethernet.size)',
    )
  if (type.kind === 'constant') return convert(typed, U32)
  if (type.kind !== 'int')
    throw scope.unfit(
      node.span,
      `an offset is a number of bytes, and this is ${nameOfType(type)}`,
      'write packet.read(IPv4, Ethernet.size)',
    )
  if (type.signed || type.bits > 32)
    throw scope.unfit(
      node.span,
      `an offset is unsigned and has up to 32 bits, and this is ${nameOfType(type)}`,
      'convert it: u32(x)',
    )
  return convert(typed, U32)
}
