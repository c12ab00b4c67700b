/** The stack of functions that call each other: all frames on one way have the room of one. */
import { alignUp } from '../base/bytes.ts'
import { Refusal } from '../base/diagnostic.ts'
import { LIMIT } from '../isa/opcodes.ts'
import { placeOf } from './emit.ts'
import type { CodeGraph } from './machine-code.ts'

/** What the verifier counts for a frame (check_max_stack_depth): multiples of 32, and never nothing. */
const FRAME_UNIT = 32

interface Frame {
  readonly graph: CodeGraph
  /** Bytes of its own. */
  readonly size: number
}

/** The bytes of stack that a program needs with all that it calls. A Refusal where the kernel allows less. */
export function checkFrames(frames: readonly Frame[]): number {
  const [program, ...functions] = frames
  if (program === undefined || functions.length === 0) return program?.size ?? 0
  const byName = new Map(functions.map((frame) => [frame.graph.signature?.name, frame]))
  const ways = new Map<Frame, readonly Frame[]>()
  /** The way down from a frame that takes most. */
  const longest = (frame: Frame): readonly Frame[] => {
    const known = ways.get(frame)
    if (known !== undefined) return known
    const callees = new Set(
      frame.graph.blocks.flatMap(({ code }) => code.flatMap(({ callee }) => byName.get(callee) ?? [])),
    )
    const below = [...callees].map(longest).reduce((a, b) => (sizeOf(b) > sizeOf(a) ? b : a), [])
    ways.set(frame, [frame, ...below])
    return [frame, ...below]
  }
  const way = longest(program)
  const size = sizeOf(way)
  if (size <= LIMIT.stack) return size
  const [worst] = way.toSorted((a, b) => b.size - a.size)
  const at = worst?.graph.blocks[0]?.code[0]?.at
  const shares = way.map(({ graph, size }) => `${graph.signature?.name ?? 'the data plane'}: ${size} bytes`)
  throw new Refusal([
    {
      message: `functions that call each other need ${size} bytes of stack together; the kernel allows ${LIMIT.stack}`,
      place: at && placeOf(at),
      remedy: `make keys and values smaller, or keep fewer values at a time:\n${shares.join('\n')}`,
    },
  ])
}

const sizeOf = (way: readonly Frame[]): number =>
  way.reduce((sum, { size }) => sum + Math.max(FRAME_UNIT, alignUp(size, FRAME_UNIT)), 0)
