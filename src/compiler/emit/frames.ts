/** The stack of functions that call each other: all frames on one way have the room of one. */
import { alignUp } from '../../base/bytes.ts'
import type { CodeGraph } from './machine-code.ts'

/** What the verifier counts for a frame (check_max_stack_depth): multiples of 32, and never nothing. */
const FRAME_UNIT = 32

interface Frame {
  readonly graph: CodeGraph
  /** Bytes of its own. */
  readonly size: number
}

/** The bytes of stack that a program needs with all that it calls. It is the first of the frames. */
export function stackOf([program, ...functions]: readonly Frame[]): number {
  if (program === undefined || functions.length === 0) return program?.size ?? 0
  const byName = new Map(functions.map((frame) => [frame.graph.signature?.name, frame]))
  const known = new Map<Frame, number>()
  const deepest = (frame: Frame): number => {
    const size =
      known.get(frame) ??
      Math.max(FRAME_UNIT, alignUp(frame.size, FRAME_UNIT)) + Math.max(0, ...calleesOf(frame).map(deepest))
    known.set(frame, size)
    return size
  }
  const calleesOf = ({ graph }: Frame): Frame[] => [
    ...new Set(graph.blocks.flatMap(({ code }) => code.flatMap(({ callee }) => byName.get(callee) ?? []))),
  ]
  return deepest(program)
}
