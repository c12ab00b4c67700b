import { decode as decodeBytes } from '../isa/decode.ts'
import { HELPER, LIMIT } from '../isa/opcodes.ts'
import type { Program } from '../isa/program.ts'
import { type Engine, type Processor, type Registers, translated } from './engine.ts'
import { Trap } from './fault.ts'
import { AT } from './layout.ts'
import { Memory, REGION, Region } from './memory.ts'
import { validate } from './validate.ts'

/** Instructions that a run may take unless said otherwise: at most a second of them. */
const BUDGET = 200_000_000
/** As many instructions take the time of a helper's call. */
const CALL = 50

/** What a program without maps and packet can ask for. */
const HELPERS: ReadonlySet<number> = new Set([HELPER.ktime_get_ns, HELPER.get_prandom_u32, HELPER.get_smp_processor_id])

/**
 * Runs a program that is only bytes, as RFC 9669 has it, and returns r0 as an unsigned number. It finds the address of `memory`
 * in r1 and its length in r2, both 0 where there is none, and the end of 512 bytes of zeros in r10; it may change the memory.
 * A Refusal, of the instruction, where the bytes are no program or the run comes to grief.
 */
export function execute(
  bytes: Uint8Array,
  memory: Uint8Array,
  budget: number = BUDGET,
  engine: Engine = translated,
): bigint {
  const program: Program = {
    name: 'input',
    hook: 'tc',
    instructions: decodeBytes(bytes),
    maps: {},
    lines: [],
    stack: LIMIT.stack,
  }
  validate(program, { standard: true, helpers: HELPERS })
  const processor = new PlainProcessor(budget)
  const run = engine(program, new Map(), processor, true)
  const { heap } = processor.memory
  const { length } = memory
  const start = heap.allocate(length)
  heap.bytes.set(memory, start)
  processor.memory.setPacket(new Region('plain', 'memory', start, length))
  processor.memory.measurePacket(length)
  heap.view.setBigUint64(AT.registers + 8, length === 0 ? 0n : BigInt(REGION.packet) << 32n, true)
  heap.view.setBigUint64(AT.registers + 16, BigInt(length), true)
  run.run()
  memory.set(heap.bytes.subarray(start, start + length))
  return heap.view.getBigUint64(AT.registers, true)
}

/** Nothing around the program but memory. */
class PlainProcessor implements Processor {
  readonly memory = new Memory({ zeroed: true })
  readonly budget: number

  #calls = 0

  constructor(budget: number) {
    this.budget = budget
  }

  contextPointer(): number {
    return -1
  }

  call(helper: number, { lo, hi }: Registers): void {
    this.#calls++
    if (this.#calls > this.budget / CALL) throw new Trap(`the program called ${this.#calls} helpers without an end`)
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
