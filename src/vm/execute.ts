import { decode as decodeBytes } from '../isa/decode.ts'
import { HELPER, LIMIT } from '../isa/opcodes.ts'
import type { Program } from '../isa/program.ts'
import { decode } from './decode.ts'
import { Trap } from './fault.ts'
import { interpret, type Processor, type Registers } from './interpreter.ts'
import { Memory, REGION, Region } from './memory.ts'
import { validate } from './validate.ts'

/** Instructions that a run may take unless said otherwise: about a second of them. */
const BUDGET = 50_000_000

/** What a program without maps and packet can ask for. */
const HELPERS: ReadonlySet<number> = new Set([HELPER.ktime_get_ns, HELPER.get_prandom_u32, HELPER.get_smp_processor_id])

/**
 * Runs a program that is only bytes, as RFC 9669 has it, and returns r0 as an unsigned number. It finds the address of `memory`
 * in r1 and its length in r2, both 0 where there is none, and the end of 512 bytes of zeros in r10; it may change the memory.
 * A Refusal, of the instruction, where the bytes are no program or the run comes to grief.
 */
export function execute(bytes: Uint8Array, memory: Uint8Array, budget: number = BUDGET): bigint {
  const program: Program = {
    name: 'input',
    hook: 'tc',
    instructions: decodeBytes(bytes),
    maps: {},
    lines: [],
    stack: LIMIT.stack,
  }
  validate(program, { standard: true, helpers: HELPERS })
  const code = decode(program, () => [0, 0])
  const processor = new PlainProcessor(budget)
  if (memory.length === 0) interpret(code, processor, 0, 0)
  else {
    const { heap } = processor.memory
    const start = heap.allocate(memory.length)
    heap.bytes.set(memory, start)
    processor.memory.setPacket(new Region('plain', 'memory', start, memory.length))
    interpret(code, processor, REGION.packet, memory.length)
    memory.set(heap.bytes.subarray(start, start + memory.length))
  }
  return (BigInt((code.hi[0] ?? 0) >>> 0) << 32n) | BigInt((code.lo[0] ?? 0) >>> 0)
}

/** Nothing around the program but memory. */
class PlainProcessor implements Processor {
  readonly memory = new Memory({ zeroed: true })
  readonly callers = new Int32Array(LIMIT.callDepth * 9)
  readonly budget: number

  constructor(budget: number) {
    this.budget = budget
  }

  contextPointer(): number {
    return -1
  }

  call(helper: number, { lo, hi }: Registers): void {
    const result = resultOf(helper)
    lo[0] = Number(BigInt.asIntN(32, result))
    hi[0] = Number(BigInt.asIntN(32, result >> 32n))
  }
}

/** The same in every run. */
function resultOf(helper: number): bigint {
  switch (helper) {
    case HELPER.ktime_get_ns:
      return 1_000_000_000_000n
    case HELPER.get_prandom_u32:
      return 0x9e3779b9n
    case HELPER.get_smp_processor_id:
      return 0n
    default:
      throw new Trap(`there is no helper ${helper}`)
  }
}
