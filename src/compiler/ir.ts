/**
 * SSA: blocks of values, each computed once. Scalars of up to 32 bits are kept zero-extended in 64-bit registers.
 */
import type { HelperName } from '../isa/opcodes.ts'
import type { TraceSite } from '../isa/trace.ts'
import type { AtomicName } from '../lang/index.ts'
import type { Position } from './typed.ts'
import type { Open, Wired } from './wired.ts'

export type AluName = 'add' | 'sub' | 'mul' | 'div' | 'mod' | 'and' | 'or' | 'xor' | 'lsh' | 'rsh' | 'arsh'
export type Size = 1 | 2 | 4 | 8

export type Operation =
  | { readonly op: 'const'; readonly value: bigint }
  /** The hook's context: the first argument of the program, and of a called function that is given it. */
  | { readonly op: 'context' }
  /** An argument of a called function, by its place among all of them. */
  | { readonly op: 'parameter'; readonly index: number }
  /** The result of a `bits` wide operation on the two arguments. */
  | { readonly op: 'alu'; readonly alu: AluName; readonly bits: 32 | 64 }
  /** The low 32 bits, zero-extended. */
  | { readonly op: 'low32' }
  /** The low 32 bits, sign-extended to 64. */
  | { readonly op: 'sext32' }
  /** The low 16, 32 or 64 bits, between network and host byte order. */
  | { readonly op: 'swap'; readonly bits: 16 | 32 | 64 }
  /** A sum of 16-bit words in so many bits, the end-around carries added: 0 only if it was (RFC 1071 section 2). */
  | { readonly op: 'fold'; readonly bits: 16 | 32 }
  /** Memory at argument 0. `start`: the address of the packet's first byte. */
  | {
      readonly op: 'load'
      readonly size: Size
      readonly offset: number
      readonly from: Memory
      readonly start?: boolean
    }
  /** Argument 1 into memory at argument 0: the packet's, or another. */
  | { readonly op: 'store'; readonly size: Size; readonly offset: number; readonly to?: 'packet' }
  /** So many bytes behind argument 0, where it is in the packet, are 0 here. There is nothing to do. */
  | { readonly op: 'cleared'; readonly size: number; readonly offset: number }
  /** Changes memory at argument 0 by argument 1, if it is argument 2 where there is one. Gives what it was before. */
  | { readonly op: 'atomic'; readonly operation: AtomicName; readonly size: 4 | 8; readonly offset: number }
  /** The address of an object on the stack. */
  | { readonly op: 'stack'; readonly object: StackObject }
  | { readonly op: 'map'; readonly name: string }
  /** A number of the wiring that is left open. */
  | { readonly op: 'wired'; readonly wired: Wired }
  /** The address of byte `offset` of an array map's first value. */
  | { readonly op: 'mapValue'; readonly name: string; readonly offset: Open }
  /** `edge`: before or after anything that the program does with the packet. */
  | { readonly op: 'call'; readonly helper: HelperName; readonly edge?: 'before' | 'after' }
  /** The result of a function of the program. `pure` where nothing but its arguments decides, and nothing else happens. */
  | { readonly op: 'invoke'; readonly callee: string; readonly pure: boolean }
  /** The packet is dropped here once the loops of its program have gone round as often as the kernel lets them. That is never. */
  | { readonly op: 'mayGoto' }
  /** The time, the same for the whole packet. */
  | { readonly op: 'now' }
  /** One argument for each predecessor of its block, in their order. */
  | { readonly op: 'phi' }

/**
 * What is read, and so what changes it: nothing at all; what moves the packet; that and writing to the packet; and of what
 * others see as well, anybody at any time. passes/states.ts tells the states of a packet apart.
 */
export type Memory = 'constant' | 'context' | 'packet' | 'shared'

export interface StackObject {
  readonly size: number
  readonly align: number
  /** What a message calls it. */
  readonly what: string
  readonly at: Position
}

/** Made by {@link newValue}. */
export type Value = Operation & {
  readonly id: number
  arguments: Value[]
  readonly at: Position
}

export type Comparison = 'eq' | 'ne' | 'ult' | 'ule' | 'ugt' | 'uge' | 'slt' | 'sle' | 'sgt' | 'sge'

/** Made by {@link newJump}, {@link newBranch} and {@link newReturn}. */
export type Terminator =
  | { readonly op: 'jump'; to: Block; readonly at: Position }
  | {
      readonly op: 'branch'
      comparison: Comparison
      bits: 32 | 64
      left: Value
      right: Value
      whenTrue: Block
      whenFalse: Block
      /** The end of a loop that counts: the verifier always knows which way it goes. */
      readonly counts?: boolean
      /** Always holds; only the verifier may not know. */
      readonly proof?: boolean
      readonly at: Position
    }
  | { readonly op: 'return'; value: Value; readonly at: Position }

export interface Block {
  readonly id: number
  /** How often it runs at most, by the loops around it. */
  readonly rounds: number
  /** Of a long loop that begins here, the blocks by their numbers: see passes/hide.ts. */
  loop?: ReadonlySet<number>
  /** Few packets come here: it lies behind everything else, so that the others fall through. */
  readonly rare?: boolean
  /** Among the blocks of its graph, as long as they are in reverse postorder. */
  place: number
  /** In order. Constants are in no block. */
  values: Value[]
  /** Undefined only while the block is being built. */
  end: Terminator | undefined
  predecessors: Block[]
}

/** A function whose blocks are reachable from the first, in reverse postorder. */
export interface Graph {
  readonly entry: Block
  blocks: Block[]
  /** Its loops end by `mayGoto`, and the verifier knows nothing of what they count: see passes/bound-loops.ts. */
  bounded?: boolean
  /** Of a function that is called: the first graph of a program is the program itself. */
  readonly signature?: Signature
  /** Of a program that is traced: what its events mean. */
  readonly sites?: readonly TraceSite[]
}

export interface Signature {
  readonly name: string
  /** In the order of r1 to r5. All return a number of 64 bits, if only 0. */
  readonly parameters: readonly ('context' | 'u32' | 'u64')[]
  readonly at: Position
}

export const NEGATED: Readonly<Record<Comparison, Comparison>> = {
  eq: 'ne',
  ne: 'eq',
  ult: 'uge',
  uge: 'ult',
  ugt: 'ule',
  ule: 'ugt',
  slt: 'sge',
  sge: 'slt',
  sgt: 'sle',
  sle: 'sgt',
}

/** The comparison with its sides exchanged. */
export const MIRRORED: Readonly<Record<Comparison, Comparison>> = {
  eq: 'eq',
  ne: 'ne',
  ult: 'ugt',
  ugt: 'ult',
  ule: 'uge',
  uge: 'ule',
  slt: 'sgt',
  sgt: 'slt',
  sle: 'sge',
  sge: 'sle',
}

export function successors(block: Block): Block[] {
  if (block.end?.op === 'jump') return [block.end.to]
  if (block.end?.op === 'branch') return [block.end.whenTrue, block.end.whenFalse]
  return []
}

/** Values that nothing but their arguments and the state of the packet decides: unused ones need not be computed. */
export function isPure(value: Value): boolean {
  if (value.op === 'load') return value.from !== 'shared'
  if (value.op === 'invoke') return value.pure
  if (value.op === 'cleared') return false
  return (
    value.op !== 'mayGoto' && value.op !== 'call' && value.op !== 'store' && value.op !== 'atomic' && value.op !== 'phi'
  )
}

/** Reachable blocks in reverse postorder, numbered: but for loops, every block comes after its predecessors. */
export function reversePostorder(entry: Block): Block[] {
  const order: Block[] = []
  const seen = new Set<Block>([entry])
  /** The way to where this has got, and how many successors of each block on it have been seen to. */
  const path: { readonly block: Block; done: number }[] = [{ block: entry, done: 0 }]
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const next = successorFromLast(top.block, top.done++)
    if (next === undefined) {
      order.push(top.block)
      path.pop()
    } else if (!seen.has(next)) {
      seen.add(next)
      path.push({ block: next, done: 0 })
    }
  }
  order.reverse()
  for (let place = 0; place < order.length; place++) {
    const block = order[place]
    if (block !== undefined) block.place = place
  }
  return order
}

function successorFromLast({ end }: Block, index: number): Block | undefined {
  if (end?.op === 'jump' && index === 0) return end.to
  if (end?.op !== 'branch') return undefined
  return [end.whenFalse, end.whenTrue][index]
}

const UNPRINTED: ReadonlySet<string> = new Set(['object', 'from', 'to', 'of'])

/** The graph as text, a line a value: for people and for tests. */
export function printGraph({ blocks, signature }: Graph): string {
  const name = (value: Value | undefined) =>
    value === undefined ? '?' : value.op === 'const' ? `${value.value}` : `v${value.id}`
  const line = (value: Value): string => {
    const { id, at: _at, arguments: given, op, ...rest } = value
    const details = Object.entries(rest)
      .filter(([key, detail]) => !UNPRINTED.has(key) && typeof detail !== 'boolean' && detail !== undefined)
      .map(([, detail]) => String(detail))
    return `  v${id} = ${[op, ...details].join(' ')}(${given.map(name).join(', ')})`
  }
  const last = ({ end }: Block): string => {
    if (end === undefined) return '  ?'
    if (end.op === 'jump') return `  jump b${end.to.id}`
    if (end.op === 'return') return `  return ${name(end.value)}`
    return `  if ${name(end.left)} ${end.comparison}${end.bits} ${name(end.right)} jump b${end.whenTrue.id} else b${end.whenFalse.id}`
  }
  const head = signature === undefined ? [] : [`function ${signature.name}(${signature.parameters.join(', ')})`]
  const label = ({ id, rare }: Block): string => `b${id}${rare === true ? ' rare' : ''}:`
  return [...head, ...blocks.flatMap((block) => [label(block), ...block.values.map(line), last(block)])].join('\n')
}
