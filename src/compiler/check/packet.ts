/** What a data plane asks of the packet. */
import { FARTHEST, LONGEST_HEADER, type StructType } from '../../lang/index.ts'
import type { Expression, Of } from '../narrow/tree.ts'
import { Decisive } from '../shared.ts'
import { nameOfType, type Typed, U32 } from '../typed.ts'
import { arity } from './call.ts'
import { asStruct, convert } from './convert.ts'
import { expression, value } from './expression.ts'
import { present } from './member.ts'
import type { Scope } from './scope.ts'
import { useReference } from './stale.ts'

/** `packet.read(Header, offset?, within?)` */
export function read(scope: Scope, node: Of<'call'>): Typed {
  arity(scope, node, 1, 3, 'write packet.read(Ethernet), or packet.read(IPv4, Ethernet.size)')
  const [first, second, third] = node.arguments as readonly [Expression, Expression | undefined, Expression | undefined]
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
  const none: Typed = { op: 'constant', value: 0n, type: U32, at }
  const start = second === undefined ? none : offset(scope, second)
  const message = third === undefined ? undefined : within(scope, struct, third)
  const covered = message === undefined ? undefined : true
  const type = { kind: 'reference', struct, space: 'packet', nullable: true, covered } as const
  return { op: 'read', struct, offset: start, within: message, type, at }
}

/** The header of a message. What is read in it must not be another message, whose checksum is settled later. */
function within(scope: Scope, part: StructType, node: Expression): Typed {
  const header = present(scope, value(scope, node), node)
  useReference(scope, header, node.span)
  const { type } = header
  const form = `write packet.read(${part.name}, offset, udp), where udp is a header that was read`
  if (type.kind !== 'reference' || type.space !== 'packet')
    throw scope.unfit(node.span, 'this is not a header of the packet', form)
  if (type.struct.checksums?.checksum?.covers !== 'message')
    throw scope.unfit(node.span, `${type.struct.name} has no checksum that covers what is behind it`, form)
  if (part.checksums?.checksum?.covers === 'message')
    throw scope.unfit(
      node.span,
      `${part.name} has a checksum over what is behind it`,
      'read it without a header around it',
    )
  return header
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
  if (typed.op === 'wired') throw new Decisive(`a header at ${typed.wired.name}`, [typed.wired])
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
