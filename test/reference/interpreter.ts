import { ALU, ATOMIC, LIMIT } from '../../src/isa/opcodes.ts'
import type { Engine, Processor } from '../../src/vm/engine.ts'
import { Fault, Trap } from '../../src/vm/fault.ts'
import { AT } from '../../src/vm/layout.ts'
import { type Memory, REGION } from '../../src/vm/memory.ts'
import {
  byteSwap,
  divide,
  modulo,
  multiply,
  shiftLeft,
  shiftRight,
  shiftRightSigned,
  signedDivide,
  signedModulo,
  truncate,
} from './arithmetic.ts'
import { type Code, decode } from './decode.ts'

// What a helper leaves in r1 to r5: nothing anybody may use.
const CLOBBERED = 0x0badbadb

/**
 * Programs one instruction after the other: what translations are compared with. It keeps registers as two halves of 32 bits.
 */
export const interpreted: Engine = (program, maps, processor, isPlain = false) => {
  const code = decode(program, (name, value) => {
    const map = maps.get(name)
    if (map === undefined) throw new RangeError(`no map "${name}"`)
    return value === undefined ? [map.id, 0] : [map.id + 1, value]
  })
  const { memory } = processor
  return {
    program,
    run() {
      const { lo, hi } = code
      memory.tracked = !isPlain
      for (let r = 0; r < 10; r++) {
        lo[r] = isPlain ? (memory.heap.words[(AT.registers >> 2) + 2 * r] ?? 0) : 0
        hi[r] = isPlain ? (memory.heap.words[(AT.registers >> 2) + 2 * r + 1] ?? 0) : 0
      }
      if (!isPlain) hi[1] = REGION.context
      const result = interpret(code, processor)
      memory.heap.words[AT.registers >> 2] = lo[0] ?? 0
      memory.heap.words[(AT.registers >> 2) + 1] = hi[0] ?? 0
      return result
    },
  }
}

function interpret(code: Code, processor: Processor): number {
  const { operation, destination, source, detail, target, lo, hi } = code
  const { memory } = processor
  const callers = new Int32Array(LIMIT.callDepth * 9)
  let depth = 0
  let left = processor.budget
  let at = 0
  let next = 0
  memory.enterFrame(0)
  lo[10] = LIMIT.stack
  hi[10] = REGION.stack
  try {
    for (;;) {
      at = next++
      if (left-- <= 0) throw new Trap(`the program ran ${processor.budget} instructions without an end`)
      const d = destination[at] ?? 0
      const s = source[at] ?? 0
      const dl = lo[d] ?? 0
      const dh = hi[d] ?? 0
      const sl = lo[s] ?? 0
      const sh = hi[s] ?? 0
      switch (operation[at]) {
        // 64-bit arithmetic
        case 0x0f: {
          const sum = (dl >>> 0) + (sl >>> 0)
          lo[d] = sum
          hi[d] = dh + sh + (sum > 0xffffffff ? 1 : 0)
          break
        }
        case 0x1f:
          lo[d] = dl - sl
          hi[d] = dh - sh - (dl >>> 0 < sl >>> 0 ? 1 : 0)
          break
        case 0x2f:
          multiply(lo, hi, d, dl, dh, sl, sh)
          break
        case 0x3f:
          divide(lo, hi, d, dl, dh, sl, sh)
          break
        case 0x37:
          signedDivide(lo, hi, d, dl, dh, sl, sh)
          break
        case 0x4f:
          lo[d] = dl | sl
          hi[d] = dh | sh
          break
        case 0x5f:
          lo[d] = dl & sl
          hi[d] = dh & sh
          break
        case 0x6f:
          shiftLeft(lo, hi, d, dl, dh, sl)
          break
        case 0x7f:
          shiftRight(lo, hi, d, dl, dh, sl)
          break
        case 0x8f:
          lo[d] = -dl
          hi[d] = ~dh + (dl === 0 ? 1 : 0)
          break
        case 0x9f:
          modulo(lo, hi, d, dl, dh, sl, sh)
          break
        case 0x97:
          signedModulo(lo, hi, d, dl, dh, sl, sh)
          break
        case 0xaf:
          lo[d] = dl ^ sl
          hi[d] = dh ^ sh
          break
        case 0xbf:
        case 0x18:
          lo[d] = sl
          hi[d] = sh
          break
        case 0xb7: {
          const unused = 32 - (detail[at] ?? 0)
          const low = (sl << unused) >> unused
          lo[d] = low
          hi[d] = low >> 31
          break
        }
        case 0xcf:
          shiftRightSigned(lo, hi, d, dl, dh, sl)
          break
        // Byte order: le, be, bswap
        case 0xd4:
          truncate(lo, hi, d, dl, dh, detail[at] ?? 0)
          break
        case 0xdc:
        case 0xd7:
          byteSwap(lo, hi, d, dl, dh, detail[at] ?? 0)
          break
        // 32-bit arithmetic: the upper half of the result is zero
        case 0x0c:
          lo[d] = dl + sl
          hi[d] = 0
          break
        case 0x1c:
          lo[d] = dl - sl
          hi[d] = 0
          break
        case 0x2c:
          lo[d] = Math.imul(dl, sl)
          hi[d] = 0
          break
        case 0x3c:
          lo[d] = sl === 0 ? 0 : Math.floor((dl >>> 0) / (sl >>> 0))
          hi[d] = 0
          break
        case 0x34:
          lo[d] = sl === 0 ? 0 : Math.trunc(dl / sl)
          hi[d] = 0
          break
        case 0x4c:
          lo[d] = dl | sl
          hi[d] = 0
          break
        case 0x5c:
          lo[d] = dl & sl
          hi[d] = 0
          break
        case 0x6c:
          lo[d] = dl << sl
          hi[d] = 0
          break
        case 0x7c:
          lo[d] = dl >>> sl
          hi[d] = 0
          break
        case 0x8c:
          lo[d] = -dl
          hi[d] = 0
          break
        case 0x9c:
          lo[d] = sl === 0 ? dl : (dl >>> 0) % (sl >>> 0)
          hi[d] = 0
          break
        case 0x94:
          lo[d] = sl === 0 ? dl : dl % sl
          hi[d] = 0
          break
        case 0xac:
          lo[d] = dl ^ sl
          hi[d] = 0
          break
        case 0xbc:
          lo[d] = sl
          hi[d] = 0
          break
        case 0xb4: {
          const unused = 32 - (detail[at] ?? 0)
          lo[d] = (sl << unused) >> unused
          hi[d] = 0
          break
        }
        case 0xcc:
          lo[d] = dl >> sl
          hi[d] = 0
          break
        // 64-bit jumps
        case 0x05:
          next = target[at] ?? 0
          break
        case 0xe5:
          break
        case 0x1d:
          if (dl === sl && dh === sh) next = target[at] ?? 0
          break
        case 0x5d:
          if (dl !== sl || dh !== sh) next = target[at] ?? 0
          break
        case 0x4d:
          if (((dl & sl) | (dh & sh)) !== 0) next = target[at] ?? 0
          break
        case 0x2d:
          if (dh === sh ? dl >>> 0 > sl >>> 0 : dh >>> 0 > sh >>> 0) next = target[at] ?? 0
          break
        case 0x3d:
          if (dh === sh ? dl >>> 0 >= sl >>> 0 : dh >>> 0 > sh >>> 0) next = target[at] ?? 0
          break
        case 0xad:
          if (dh === sh ? dl >>> 0 < sl >>> 0 : dh >>> 0 < sh >>> 0) next = target[at] ?? 0
          break
        case 0xbd:
          if (dh === sh ? dl >>> 0 <= sl >>> 0 : dh >>> 0 < sh >>> 0) next = target[at] ?? 0
          break
        case 0x6d:
          if (dh === sh ? dl >>> 0 > sl >>> 0 : dh > sh) next = target[at] ?? 0
          break
        case 0x7d:
          if (dh === sh ? dl >>> 0 >= sl >>> 0 : dh > sh) next = target[at] ?? 0
          break
        case 0xcd:
          if (dh === sh ? dl >>> 0 < sl >>> 0 : dh < sh) next = target[at] ?? 0
          break
        case 0xdd:
          if (dh === sh ? dl >>> 0 <= sl >>> 0 : dh < sh) next = target[at] ?? 0
          break
        // 32-bit jumps
        case 0x1e:
          if (dl === sl) next = target[at] ?? 0
          break
        case 0x5e:
          if (dl !== sl) next = target[at] ?? 0
          break
        case 0x4e:
          if ((dl & sl) !== 0) next = target[at] ?? 0
          break
        case 0x2e:
          if (dl >>> 0 > sl >>> 0) next = target[at] ?? 0
          break
        case 0x3e:
          if (dl >>> 0 >= sl >>> 0) next = target[at] ?? 0
          break
        case 0xae:
          if (dl >>> 0 < sl >>> 0) next = target[at] ?? 0
          break
        case 0xbe:
          if (dl >>> 0 <= sl >>> 0) next = target[at] ?? 0
          break
        case 0x6e:
          if (dl > sl) next = target[at] ?? 0
          break
        case 0x7e:
          if (dl >= sl) next = target[at] ?? 0
          break
        case 0xce:
          if (dl < sl) next = target[at] ?? 0
          break
        case 0xde:
          if (dl <= sl) next = target[at] ?? 0
          break
        // Loads: byte, half word, word, double word; then the sign-extending ones
        case 0x71: {
          const from = (sl >>> 0) + (detail[at] ?? 0)
          lo[d] = memory.heap.view.getUint8(memory.readable(sh, from, 1))
          hi[d] = 0
          break
        }
        case 0x69: {
          const from = (sl >>> 0) + (detail[at] ?? 0)
          lo[d] = memory.heap.view.getUint16(memory.readable(sh, from, 2), true)
          hi[d] = 0
          break
        }
        case 0x61: {
          const from = (sl >>> 0) + (detail[at] ?? 0)
          const pointer = sh === REGION.context ? processor.contextPointer(from) : -1
          lo[d] = pointer >= 0 ? pointer : memory.heap.view.getInt32(memory.readable(sh, from, 4), true)
          hi[d] = pointer >= 0 ? memory.packet : 0
          break
        }
        case 0x79: {
          const from = (sl >>> 0) + (detail[at] ?? 0)
          const address = memory.readable(sh, from, 8)
          lo[d] = memory.heap.view.getInt32(address, true)
          hi[d] = memory.heap.view.getInt32(address + 4, true)
          break
        }
        case 0x91:
        case 0x89:
        case 0x81: {
          const from = (sl >>> 0) + (detail[at] ?? 0)
          const size = operation[at] === 0x91 ? 1 : operation[at] === 0x89 ? 2 : 4
          const address = memory.readable(sh, from, size)
          const { view } = memory.heap
          const low =
            size === 1
              ? view.getInt8(address)
              : size === 2
                ? view.getInt16(address, true)
                : view.getInt32(address, true)
          lo[d] = low
          hi[d] = low >> 31
          break
        }
        // Stores
        case 0x73: {
          const to = (dl >>> 0) + (detail[at] ?? 0)
          memory.heap.view.setInt8(memory.writable(dh, to, 1), sl)
          break
        }
        case 0x6b: {
          const to = (dl >>> 0) + (detail[at] ?? 0)
          memory.heap.view.setInt16(memory.writable(dh, to, 2), sl, true)
          break
        }
        case 0x63: {
          const to = (dl >>> 0) + (detail[at] ?? 0)
          memory.heap.view.setInt32(memory.writable(dh, to, 4), sl, true)
          break
        }
        case 0x7b: {
          const to = (dl >>> 0) + (detail[at] ?? 0)
          const address = memory.writable(dh, to, 8)
          memory.heap.view.setInt32(address, sl, true)
          memory.heap.view.setInt32(address + 4, sh, true)
          break
        }
        case 0xc3:
        case 0xdb:
          atomic(code, memory, at, (dl >>> 0) + (detail[at] ?? 0), dh, s)
          break
        // Calls: a helper, a function of this program; exit
        case 0x85:
          processor.call(detail[at] ?? 0, code)
          clobber(lo, hi)
          break
        case 0x86:
          processor.call(dh === 0 && dl >= 0 ? dl : -1, code)
          clobber(lo, hi)
          break
        case 0x8d: {
          if (depth + 1 >= LIMIT.callDepth) throw new Trap(`calls are nested more than ${LIMIT.callDepth} deep`)
          const saved = depth * 9
          callers[saved] = next
          for (let r = 0; r < 4; r++) {
            callers[saved + 1 + r] = lo[6 + r] ?? 0
            callers[saved + 5 + r] = hi[6 + r] ?? 0
          }
          depth++
          memory.enterFrame(depth)
          hi[10] = REGION.stack + depth
          next = target[at] ?? 0
          break
        }
        case 0x95: {
          if (depth === 0) return (lo[0] ?? 0) >>> 0
          memory.leaveFrame(depth)
          depth--
          const saved = depth * 9
          next = callers[saved] ?? 0
          for (let r = 0; r < 4; r++) {
            lo[6 + r] = callers[saved + 1 + r] ?? 0
            hi[6 + r] = callers[saved + 5 + r] ?? 0
          }
          hi[10] = REGION.stack + depth
          clobber(lo, hi)
          break
        }
        default:
          throw new Trap(`opcode 0x${(operation[at] ?? 0).toString(16)} is not an instruction`)
      }
    }
  } catch (error) {
    if (error instanceof Trap) throw new Fault(code.program, at, error.message)
    throw error
  }
}

function clobber(lo: Int32Array, hi: Int32Array): void {
  for (let r = 1; r <= 5; r++) {
    lo[r] = CLOBBERED
    hi[r] = CLOBBERED
  }
}

/** RFC 9669 section 5.3. The old value goes to the source register (with `fetch`), or to r0 (`cmpxchg`). */
function atomic(code: Code, memory: Memory, index: number, offset: number, region: number, s: number): void {
  const { lo, hi } = code
  const wide = code.operation[index] === 0xdb
  const operation = code.target[index] ?? 0
  const at = memory.atomic(region, offset, wide ? 8 : 4)
  const { view } = memory.heap
  const oldLow = view.getInt32(at, true)
  const oldHigh = wide ? view.getInt32(at + 4, true) : 0
  const low = lo[s] ?? 0
  const high = wide ? (hi[s] ?? 0) : 0
  let newLow = low
  let newHigh = high
  switch (operation & ~ATOMIC.fetch) {
    case ALU.add: {
      const sum = (oldLow >>> 0) + (low >>> 0)
      newLow = sum | 0
      newHigh = oldHigh + high + (sum > 0xffffffff ? 1 : 0)
      break
    }
    case ALU.or:
      newLow = oldLow | low
      newHigh = oldHigh | high
      break
    case ALU.and:
      newLow = oldLow & low
      newHigh = oldHigh & high
      break
    case ALU.xor:
      newLow = oldLow ^ low
      newHigh = oldHigh ^ high
      break
    case ATOMIC.cmpxchg & ~ATOMIC.fetch:
      if (oldLow !== (lo[0] ?? 0) || (wide && oldHigh !== (hi[0] ?? 0))) {
        newLow = oldLow
        newHigh = oldHigh
      }
      break
  }
  view.setInt32(at, newLow, true)
  if (wide) view.setInt32(at + 4, newHigh, true)
  if ((operation & ATOMIC.fetch) === 0) return
  const into = operation === ATOMIC.cmpxchg ? 0 : s
  lo[into] = oldLow
  hi[into] = oldHigh
}
