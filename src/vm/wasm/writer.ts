import { OP, SECTION, type ValueType } from './opcodes.ts'

const UTF8 = new TextEncoder()

/** Bytes of a module, written one after the other: numbers are LEB128, 7 bits a byte. */
export class Writer {
  #bytes: Uint8Array
  #length = 0

  constructor(room = 256) {
    this.#bytes = new Uint8Array(room)
  }

  get length(): number {
    return this.#length
  }

  /** A view of what was written, until more is. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  byte(value: number): this {
    if (this.#length === this.#bytes.length) this.#grow(1)
    this.#bytes[this.#length++] = value
    return this
  }

  append(bytes: Uint8Array): this {
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  /** Of 32 bits at most. */
  unsigned(value: number): this {
    if (value >= 0 && value <= 0x7f) return this.byte(value)
    let rest = value >>> 0
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    return this.byte(rest)
  }

  /** Of 32 bits at most. */
  signed(value: number): this {
    let rest = value | 0
    while (rest < -0x40 || rest > 0x3f) {
      this.byte((rest & 0x7f) | 0x80)
      rest >>= 7
    }
    return this.byte(rest & 0x7f)
  }

  signed64(value: bigint): this {
    if (value >= -0x80000000n && value < 0x80000000n) return this.signed(Number(value))
    let rest = BigInt.asIntN(64, value)
    while (rest < -0x40n || rest > 0x3fn) {
      this.byte(Number(rest & 0x7fn) | 0x80)
      rest >>= 7n
    }
    return this.byte(Number(rest & 0x7fn))
  }

  name(text: string): this {
    const bytes = UTF8.encode(text)
    return this.unsigned(bytes.length).append(bytes)
  }

  /** Bytes behind their number. */
  sized(bytes: Uint8Array): this {
    return this.unsigned(bytes.length).append(bytes)
  }

  #grow(more: number): void {
    const longer = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more))
    longer.set(this.#bytes)
    this.#bytes = longer
  }
}

/** The instructions of one function. Local variables are numbered: parameters first, then what {@link Body.local} gives. */
export class Body extends Writer {
  readonly #locals: ValueType[] = []
  readonly #parameters: number

  constructor(parameters: number) {
    super(1024)
    this.#parameters = parameters
  }

  /** A new local variable, zero at the start. */
  local(type: ValueType): number {
    return this.#parameters + this.#locals.push(type) - 1
  }

  op(...opcodes: readonly number[]): this {
    for (const opcode of opcodes) this.byte(opcode)
    return this
  }

  get(local: number): this {
    return this.byte(OP.localGet).unsigned(local)
  }

  set(local: number): this {
    return this.byte(OP.localSet).unsigned(local)
  }

  tee(local: number): this {
    return this.byte(OP.localTee).unsigned(local)
  }

  i32(value: number): this {
    return this.byte(OP.i32Const).signed(value)
  }

  /** A constant that 32 bits hold, extended with its sign. */
  i64(value: number): this {
    return this.byte(OP.i64Const).signed(value)
  }

  big(value: bigint): this {
    return this.byte(OP.i64Const).signed64(value)
  }

  call(index: number): this {
    return this.byte(OP.call).unsigned(index)
  }

  /** Calls what is at a place of the table, by the first type of the module. */
  ask(place: number): this {
    return this.i32(place).byte(OP.callIndirect).unsigned(0).unsigned(0)
  }

  getGlobal(index: number): this {
    return this.byte(OP.globalGet).unsigned(index)
  }

  /** A load or store at `offset` from the address on the stack. Alignment is a hint only: none is promised. */
  access(opcode: number, offset = 0): this {
    return this.byte(opcode).byte(0).unsigned(offset)
  }

  /** The body as it is in the code section. */
  finish(): Uint8Array {
    const head = new Writer(16)
    // Runs of one type.
    const runs: { type: ValueType; count: number }[] = []
    for (const type of this.#locals) {
      const last = runs.at(-1)
      if (last?.type === type) last.count++
      else runs.push({ type, count: 1 })
    }
    head.unsigned(runs.length)
    for (const { type, count } of runs) head.unsigned(count).byte(type)
    return new Writer(head.length + this.length + 1).append(head.bytes).append(this.bytes).byte(OP.end).bytes
  }
}

type Entry = (writer: Writer) => void

/** A module: sections are written in the order of their numbers, each with its entries (section 5.5). */
export class ModuleWriter {
  readonly #module = new Writer(1024).append(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))

  section(id: number, entries: readonly Entry[]): this {
    const content = new Writer(1024).unsigned(entries.length)
    for (const write of entries) write(content)
    this.#module.byte(id).sized(content.bytes)
    return this
  }

  /** Of functions: parameters and results. */
  types(signatures: readonly (readonly [parameters: readonly ValueType[], results: readonly ValueType[]])[]): this {
    return this.section(
      SECTION.type,
      signatures.map(([parameters, results]) => (writer) => {
        writer.byte(0x60).sized(Uint8Array.from(parameters)).sized(Uint8Array.from(results))
      }),
    )
  }

  finish(): Uint8Array {
    return this.#module.bytes.slice()
  }
}
