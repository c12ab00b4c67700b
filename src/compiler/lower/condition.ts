/** Conditions → branches. */
import type { Hook } from '../../isa/program.ts'
import type { Block, Value } from '../ir.ts'
import type { Typed, Variable } from '../typed.ts'
import type { References } from './chosen.ts'
import { compare } from './compare.ts'
import type { Verdicts } from './exits.ts'
import type { Passage } from './packet.ts'
import { emitWithPacket } from './punt.ts'
import { stateCall } from './state.ts'
import type { Traces } from './trace.ts'

/** What lowering conditions takes from lowering everything else. */
export interface Conditions extends References {
  readonly packet: Passage
  readonly exits: Verdicts
  readonly traces: Traces | undefined
  readonly options: { readonly hook: Hook }
  assign(variable: Variable, value: Typed): void
  /** What is in one register. */
  scalar(node: Typed): Value
  /** 0 where it was done. */
  move(node: Extract<Typed, { op: 'move' | 'encapsulate' | 'decapsulate' }>): Value
}

/** Conditions that are made of others, or known: only what they come to is a decision. */
const JOINED: ReadonlySet<Typed['op']> = new Set(['constant', 'not', 'and', 'or', 'bound'])

/** Where nobody traces, there is nothing between the decision and what follows. */
export function lowerCondition(lowering: Conditions, node: Typed, whenTrue: Block, whenFalse: Block): void {
  const { builder, traces, lock } = lowering
  if (traces === undefined || lock !== undefined || JOINED.has(node.op))
    return decide(lowering, node, whenTrue, whenFalse)
  const [is, isNot] = [builder.newBlock(), builder.newBlock()]
  decide(lowering, node, is, isNot)
  for (const [block, outcome, next] of [
    [is, true, whenTrue],
    [isNot, false, whenFalse],
  ] as const) {
    builder.enter(block)
    if (block.predecessors.length > 0) traces.decided(node.at, outcome !== (node.op === 'isNull'))
    builder.jump(next)
  }
}

function decide(lowering: Conditions, node: Typed, whenTrue: Block, whenFalse: Block): void {
  const { builder } = lowering
  builder.at = node.at
  switch (node.op) {
    case 'constant':
      return builder.jump(node.value === 0n ? whenFalse : whenTrue)
    case 'not':
      return lowering.condition(node.operand, whenFalse, whenTrue)
    case 'and':
    case 'or': {
      const right = builder.newBlock()
      if (node.op === 'and') lowering.condition(node.left, right, whenFalse)
      else lowering.condition(node.left, whenTrue, right)
      builder.enter(right)
      return lowering.condition(node.right, whenTrue, whenFalse)
    }
    case 'isNull': {
      const tests = lowering.reference(node.operand).present
      if (tests.length === 0) return builder.jump(whenFalse)
      for (const [index, { comparison, bits, left, right }] of tests.entries()) {
        const isLast = index === tests.length - 1
        const next = isLast ? whenFalse : builder.newBlock()
        builder.branch(comparison, bits, left, right, next, whenTrue)
        if (!isLast) builder.enter(next)
      }
      return
    }
    case 'compare':
      return compare(lowering, node, whenTrue, whenFalse)
    case 'bound':
      lowering.assign(node.variable, node.value)
      return lowering.condition(node.body, whenTrue, whenFalse)
    case 'set':
    case 'add':
    case 'replace':
    case 'push':
    case 'has':
    case 'delete':
      return builder.branch('eq', 64, stateCall(lowering, node), builder.constant(0), whenTrue, whenFalse)
    case 'move':
    case 'encapsulate':
    case 'decapsulate':
      return builder.branch('eq', 64, lowering.move(node), builder.constant(0), whenTrue, whenFalse)
    case 'emit': {
      const lost = builder.newBlock()
      if (node.table.table.kind === 'packet_ringbuf')
        emitWithPacket(lowering, lowering.packet, lowering.options.hook, node, whenTrue, lost)
      else builder.branch('eq', 64, stateCall(lowering, node), builder.constant(0), whenTrue, lost)
      builder.enter(lost)
      lowering.exits.lost(node.table.name)
      return builder.jump(whenFalse)
    }
    default:
      return builder.branch('ne', 32, lowering.scalar(node), builder.constant(0), whenTrue, whenFalse)
  }
}
