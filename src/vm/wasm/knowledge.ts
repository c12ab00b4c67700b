import { LIMIT } from '../../isa/opcodes.ts'

/**
 * What is known of the number in a register or in 8 bytes of stack, in 31 bits: a kind, a number of {@link References},
 * and an offset or a site.
 * Only `packet` is a guess, and what is translated by it checks it; all others are certain.
 */
export const POINTER = {
  unknown: 0,
  /** An offset from the end of the function's own frame. */
  stack: 1,
  context: 2,
  /** An offset in one of the values of a map. */
  value: 3,
  /** What a lookup gave: a value, or 0. All copies of what one lookup gave have its site. */
  nullable: 4,
  /** A map itself. */
  map: 5,
  packet: 6,
  /** The offset is the number. */
  constant: 7,
} as const

const OFFSETS = 1 << 18
export const MOST_REFERENCES = 1 << 10

export const kindOf = (pointer: number): number => pointer >> 28
export const referenceOf = (pointer: number): number => (pointer >> 18) & (MOST_REFERENCES - 1)
export const offsetOf = (pointer: number): number => (pointer & (OFFSETS - 1)) - OFFSETS / 2

export function pointer(kind: number, offset: number, reference = 0): number {
  if (offset < -OFFSETS / 2 || offset >= OFFSETS / 2 || reference < 0 || reference >= MOST_REFERENCES)
    return POINTER.unknown
  return (kind << 28) | (reference << 18) | (offset + OFFSETS / 2)
}

/** What the lookup at an instruction gives. */
export const foundAt = (index: number, map: number): number => pointer(POINTER.nullable, index - OFFSETS / 2, map)

const SLOTS = LIMIT.stack / 8
/** A state: registers, slots of stack, and a bit for each byte of stack that was certainly written. */
export const AT_SLOTS = 11
export const AT_WRITTEN = AT_SLOTS + SLOTS
export const STATE = AT_WRITTEN + LIMIT.stack / 32

export type State = Int32Array

/** At a function's start. */
export function startOf(parameters: ArrayLike<number>): State {
  const state = new Int32Array(STATE)
  for (let i = 0; i < parameters.length; i++) state[i + 1] = parameters[i] ?? 0
  state[10] = pointer(POINTER.stack, 0)
  return state
}

export const CONTEXT = pointer(POINTER.context, 0)

/** Whether `size` bytes at an offset from the frame's end, all within the frame, were certainly written. */
export function isWritten(state: State, offset: number, size: number): boolean {
  for (let i = LIMIT.stack + offset; i < LIMIT.stack + offset + size; i++)
    if ((((state[AT_WRITTEN + (i >> 5)] ?? 0) >>> (i & 31)) & 1) === 0) return false
  return true
}

export const inFrame = (offset: number, size: number): boolean => offset >= -LIMIT.stack && offset + size <= 0

/** Known not to be a pointer to a stack, except if it is known to be one. */
export const isCertain = (known: number): boolean => {
  const kind = kindOf(known)
  return kind !== POINTER.unknown && kind !== POINTER.nullable && kind !== POINTER.packet && kind !== POINTER.constant
}

export const constant = (known: number): number | undefined =>
  kindOf(known) === POINTER.constant ? offsetOf(known) : undefined

export function sum(left: number, right: number, minus: boolean): number {
  const [kind, other] = [kindOf(left), kindOf(right)]
  if (other === POINTER.constant) {
    const offset = offsetOf(left) + (minus ? -offsetOf(right) : offsetOf(right))
    const isMoved =
      kind === POINTER.stack || kind === POINTER.context || kind === POINTER.value || kind === POINTER.constant
    if (isMoved) return pointer(kind, offset, referenceOf(left))
  }
  if (!minus && kind === POINTER.constant && other !== POINTER.unknown) return sum(right, left, false)
  if (kind === POINTER.packet && other !== POINTER.packet) return pointer(POINTER.packet, 0)
  return !minus && other === POINTER.packet ? pointer(POINTER.packet, 0) : POINTER.unknown
}

export function forgetSlots(state: State): void {
  state.fill(POINTER.unknown, AT_SLOTS, AT_WRITTEN)
}

export function clobber(state: State, result: number): void {
  state[0] = result
  state.fill(POINTER.unknown, 1, 6)
}
