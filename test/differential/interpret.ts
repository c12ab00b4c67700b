/** What a data plane means: the typed tree, walked. Plain and slow; it shares nothing with the compiler behind check.ts. */
import type { RunResult } from '../../src/backend/machine.ts'
import { toHex } from '../../src/base/bytes.ts'
import type { Cube } from '../../src/compiler/cube.ts'
import type { StructField, Typed, TypedStatement, Variable } from '../../src/compiler/typed.ts'
import { wrap } from '../../src/compiler/typed.ts'
import { dropReasons, MAP, puntSlot, SLOT, slotsPerPort, type Wiring } from '../../src/compiler/wiring.ts'
import { type Hook, isArray } from '../../src/isa/program.ts'
import {
  FARTHEST,
  mapKind,
  packetRecord,
  puntHeader,
  puntReasons,
  type StructType,
  type Table,
} from '../../src/lang/index.ts'
import { Checksums } from './checksums.ts'
import {
  compare,
  digits,
  type Ending,
  elementsOf,
  number,
  type Reference,
  readField,
  type Value,
  writeField,
  writeHeader,
} from './fields.ts'
import { type Packet, TcPacket } from './packet.ts'
import { XdpPacket } from './packet-xdp.ts'

/** Bytes of key in hexadecimal → bytes of the value. */
export type Entries = Map<string, Uint8Array>
export type TableContents = Record<string, Entries>

type Completion =
  | { readonly kind: 'next' }
  | { readonly kind: 'break' | 'continue'; readonly out: number }
  | { readonly kind: 'return'; readonly value: Value }

/** What becomes, around a loop or a breakable, of what leaves its inside. Undefined where it goes on with its next round. */
function around(inside: Completion): Completion | undefined {
  if (inside.kind === 'next' || inside.kind === 'return') return inside.kind === 'next' ? undefined : inside
  if (inside.out > 0) return { ...inside, out: inside.out - 1 }
  return inside.kind === 'break' ? NEXT : undefined
}

const NEXT: Completion = { kind: 'next' }

export interface World {
  readonly hook: Hook
  readonly cube: Cube
  readonly wiring: Wiring
  readonly tables: TableContents
  /** Packets and bytes, by slot. */
  readonly counters: Map<number, [bigint, bigint]>
  readonly now: bigint
  /** What rings are given, which never are full here: records, in their order. */
  readonly events: Map<string, Uint8Array[]>
}

/** What programs return at each hook. */
const VERDICT = { tc: { drop: 2, pass: 0, redirect: 7 }, xdp: { drop: 1, pass: 2, redirect: 4 } } as const
/** XDP_ABORTED */
const LOST = 0

/** Runs a data plane on one packet, which stays as it is; changes the world's tables and counters. */
export function interpret(statements: readonly TypedStatement[], packet: Uint8Array, world: World): RunResult {
  return new Interpreter(packet.slice(), world).run(statements)
}

class Interpreter {
  private readonly packet: Packet
  private readonly checksums: Checksums
  private readonly world: World
  private readonly variables = new Map<Variable, Value>()

  constructor(packet: Uint8Array, world: World) {
    // Where TC is, the tag has been taken out of packets that arrived at an interface; these here did not.
    this.packet = world.hook === 'xdp' ? new XdpPacket(packet) : new TcPacket(packet)
    this.checksums = new Checksums(this.packet)
    this.world = world
  }

  run(statements: readonly TypedStatement[]): RunResult {
    this.count(SLOT.received)
    const completion = this.statements(statements)
    if (completion.kind !== 'return') throw new Error('a path without a verdict')
    const verdict = this.finish(completion.value as Ending)
    const isLost = verdict !== this.verdicts.drop && !this.packet.leave()
    return { verdict: isLost ? LOST : verdict, packet: this.packet.bytes }
  }

  private get verdicts() {
    return VERDICT[this.world.hook]
  }

  private finish({ ending, number, metadata }: Ending): number {
    const { cube, hook, wiring } = this.world
    const own = wiring.port
    const reasons = Object.keys(dropReasons(cube))
    const lost = () => this.finish({ ending: 'drop', number: reasons.indexOf('no_such_port') })
    if (ending !== 'drop') this.checksums.settle()
    switch (ending) {
      case 'drop':
        this.count(SLOT.firstDrop + number)
        return this.verdicts.drop
      case 'punt':
        this.punted(number, metadata)
        this.count(puntSlot(cube, number))
        return this.verdicts.drop
      case 'pass':
      case 'next':
        return this.verdicts.pass
      case 'forward':
        if (!wiring.exits.some(({ port }) => port === number)) return lost()
        this.count(SLOT.sent, number)
        return this.verdicts.redirect
      case 'flood': {
        const others = wiring.exits.filter(({ port }) => port !== own)
        const last = others.pop()
        if (last === undefined) return lost()
        // All but the last lead to interfaces that do not exist, which XDP would find out later.
        const slot = hook === 'tc' ? SLOT.firstDrop + reasons.indexOf('send_failed') : SLOT.sent
        for (const { port } of others) this.count(slot, port)
        this.count(SLOT.sent, last.port)
        return this.verdicts.redirect
      }
    }
  }

  /** An event of a ring of packets: its fields, how many bytes of the packet, and those. */
  private withPacket(table: Table, event: Uint8Array): Uint8Array {
    const [length, bytes] = packetRecord(table).fields.slice(-2)
    if (length === undefined || bytes === undefined) throw new Error('no place for packets')
    const packet = this.packet.bytes.subarray(0, table.packet)
    const record = new Uint8Array(bytes.offset + packet.length)
    record.set(event)
    new DataView(record.buffer).setUint32(length.offset, packet.length, true)
    record.set(packet, bytes.offset)
    return record
  }

  /** The record of a punt: there always is room here. */
  private punted(number: number, metadata: Uint8Array = new Uint8Array()): void {
    const { cube, events, wiring } = this.world
    const reason = puntReasons(cube.punts)[number]
    if (reason === undefined) throw new Error(`no reason ${number}`)
    const { bytes, tag } = this.packet
    const packet = bytes.subarray(0, reason.most)
    const record = new Uint8Array(puntHeader.size + metadata.length + packet.length)
    const view = new DataView(record.buffer)
    view.setUint8(0, number)
    view.setUint16(2, wiring.port, true)
    view.setUint32(4, bytes.length, true)
    view.setUint32(8, packet.length, true)
    view.setUint32(12, tag === undefined ? 0 : tag[0] * 65_536 + tag[1], true)
    record.set(metadata, puntHeader.size)
    record.set(packet, puntHeader.size + metadata.length)
    events.set(MAP.punts, [...(events.get(MAP.punts) ?? []), record])
  }

  private count(slot: number, port = this.world.wiring.port): void {
    const index = port * slotsPerPort(this.world.cube) + slot
    const [packets, bytes] = this.world.counters.get(index) ?? [0n, 0n]
    this.world.counters.set(index, [packets + 1n, bytes + BigInt(this.packet.bytes.length)])
  }

  private statements(list: readonly TypedStatement[]): Completion {
    for (const one of list) {
      const completion = this.statement(one)
      if (completion.kind !== 'next') return completion
    }
    return NEXT
  }

  private statement(node: TypedStatement): Completion {
    switch (node.op) {
      case 'assign':
        this.variables.set(node.variable, this.value(node.value))
        return NEXT
      case 'store': {
        const { bytes, at, within, part } = this.value(node.base) as Reference
        const value = this.value(node.value)
        const { struct, field } = node
        if (struct.order === 'host') writeField(bytes, at, field, value)
        else {
          const written = this.checksums.writing(
            part ?? { at, struct, field },
            at + field.offset,
            field.layout.size,
            within,
          )
          writeHeader(bytes, at, field, value)
          written()
        }
        return NEXT
      }
      case 'if':
        return this.statements(this.value(node.test) === true ? node.whenTrue : node.whenFalse)
      case 'breakable':
        return around(this.statements(node.body)) ?? NEXT
      case 'loop':
        for (let round = 0; round < node.times; round++) {
          this.variables.set(node.variable, node.from + node.step * BigInt(round))
          const left = around(this.statements(node.body))
          if (left !== undefined) return left
          if (node.settles) this.checksums.settle()
        }
        return NEXT
      case 'while':
        return this.while(node)
      case 'rounds':
        for (const round of node.rounds) {
          const left = around(this.statements(round))
          if (left !== undefined) return left
        }
        return NEXT
      case 'return':
        return { kind: 'return', value: node.value && this.value(node.value) }
      case 'break':
      case 'continue':
        return { kind: node.op, out: node.out }
      case 'evaluate':
        this.value(node.value)
        return NEXT
    }
  }

  private while({ test, body, update, times, settles }: Extract<TypedStatement, { op: 'while' }>): Completion {
    for (let round = 0; this.value(test) === true; round++) {
      if (round === times) throw new Error(`a loop of ${times} rounds goes on`)
      const left = around(this.statements(body))
      if (left !== undefined) return left
      if (settles) this.checksums.settle()
      this.statements(update)
    }
    return NEXT
  }

  private value(node: Typed): Value {
    switch (node.op) {
      case 'constant':
        return node.type.kind === 'bool' ? node.value !== 0n : node.value
      case 'wired':
        throw new Error(`${node.wired.name} is not known`)
      case 'null':
        return null
      case 'variable':
        return this.variables.get(node.variable)
      case 'field': {
        const { bytes, at } = this.value(node.base) as Reference
        const raw = readField(bytes, at, node.field, node.struct)
        return node.type.kind === 'bool' ? raw !== 0n : raw
      }
      case 'element': {
        const { bytes, at, within, part } = this.value(node.base) as Reference
        const { layout, offset } = node.field
        const index = Number(this.value(node.index) as bigint)
        if (layout.kind !== 'list' || index < 0 || index >= layout.length) throw new Error(`no element ${index}`)
        const { type } = node.base
        if (type.kind !== 'reference') throw new Error(`an element of ${type.kind}`)
        const list = part ?? { at, struct: type.struct, field: node.field }
        return { bytes, at: at + offset + index * layout.element.size, within, part: list }
      }
      case 'address':
        return Uint8Array.from(node.octets)
      case 'octets':
        return Uint8Array.from(node.elements, (one) => Number(this.value(one) as bigint))
      case 'mask': {
        const length = Number(this.value(node.length) as bigint)
        return (this.value(node.base) as Uint8Array).map((octet, index) => {
          const kept = Math.min(8, Math.max(0, length - 8 * index))
          return octet & (0xff - (0xff >> kept))
        })
      }
      case 'byte':
        return BigInt((this.value(node.base) as Uint8Array)[node.index] ?? 0)
      case 'length':
        return BigInt(this.packet.bytes.length)
      case 'vlan':
        return BigInt((this.packet.tag?.[1] ?? 0) & 0xfff)
      case 'segmentSize':
        return 0n
      case 'encapsulate':
      case 'decapsulate':
        this.checksums.settle()
        return this.packet[node.op](node.tunnel)
      case 'move': {
        const operands = node.operands.map((one) => Number(this.value(one)))
        this.checksums.settle()
        return this.packet.move(node.move, operands)
      }
      case 'now':
        return this.world.now
      case 'read':
        return this.within(node.within, this.read(Number(this.value(node.offset)), node.struct.size))
      case 'get': {
        const { name, table } = node.table
        const bytes =
          table.kind === 'lpm_trie' || table.kind === 'swappable_lpm_trie'
            ? this.longest(name, this.record(table.key, node.key))
            : this.world.tables[name]?.get(this.key(table.key, node.key))
        return bytes === undefined ? null : { bytes, at: 0 }
      }
      case 'delete':
        return this.world.tables[node.table.name]?.delete(this.key(node.table.table.key, node.key))
      case 'set':
      case 'add':
      case 'replace':
        return this.set(node)
      case 'cell': {
        const bytes = this.world.tables[node.table.name]?.get(toHex(new Uint8Array(4)))
        if (bytes === undefined) throw new Error('a cell is always there')
        return { bytes, at: 0 }
      }
      case 'arithmetic':
        return this.arithmetic(node)
      case 'negate':
        return this.wrapped(node, -(this.value(node.operand) as bigint))
      case 'complement':
        return this.wrapped(node, ~(this.value(node.operand) as bigint))
      case 'convert':
        if (node.operand.type.kind === 'address') return number(this.value(node.operand) as Uint8Array)
        if (node.type.kind === 'address') return digits(this.value(node.operand) as bigint, node.type.role)
        return this.wrapped(node, this.value(node.operand) as bigint)
      case 'compare':
        return compare(node.operator, this.value(node.left), this.value(node.right))
      case 'isNull':
        return this.value(node.operand) === null
      case 'not':
        return this.value(node.operand) === false
      case 'and':
        return this.value(node.left) === true && this.value(node.right) === true
      case 'or':
        return this.value(node.left) === true || this.value(node.right) === true
      case 'conditional':
        return this.value(this.value(node.test) === true ? node.whenTrue : node.whenFalse)
      case 'bound':
        this.variables.set(node.variable, this.value(node.value))
        return this.value(node.body)
      case 'call': {
        // First all of them: what computes one may call the same function.
        const given = node.arguments.map((one) => this.value(one))
        for (const [index, variable] of node.callee.parameters.entries()) this.variables.set(variable, given[index])
        const completion = this.statements(node.callee.body)
        return completion.kind === 'return' ? completion.value : undefined
      }
      case 'emit': {
        const { events } = this.world
        const { name, table } = node.table
        // What computes it may emit another one before.
        const event = this.record(table.value, node.value)
        const record = table.packet === undefined ? event : this.withPacket(table, event)
        events.set(name, [...(events.get(name) ?? []), record])
        return true
      }
      case 'has':
        return this.world.tables[node.table.name]?.has(this.key(node.table.table.value, node.value))
      case 'push':
        if (node.table.table.kind !== 'bloom_filter') return this.push(node)
        // Values of Bloom filters are keys here; none of them is ever wrong.
        this.world.tables[node.table.name]?.set(this.key(node.table.table.value, node.value), new Uint8Array())
        return true
      case 'pop':
      case 'peek':
        return this.next(node)
      case 'withLock':
        return this.value(node.call)
      case 'atomic':
        return this.atomic(node)
      case 'drop':
        return { ending: 'drop', number: node.reason }
      case 'punt': {
        const struct = puntReasons(this.world.cube.punts)[node.reason]?.metadata
        if (struct === undefined) throw new Error(`no reason ${node.reason}`)
        return { ending: 'punt', number: node.reason, metadata: this.record(struct, node.metadata) }
      }
      case 'forward':
        return { ending: 'forward', number: Number(this.value(node.port) as bigint) }
      case 'flood':
      case 'pass':
      case 'next':
        return { ending: node.op, number: 0 }
    }
  }

  private within(node: Typed | undefined, part: Reference | null): Reference | null {
    if (node === undefined || node.type.kind !== 'reference') return part
    const { at } = this.value(node) as Reference
    return part && { ...part, within: { at, struct: node.type.struct } }
  }

  private read(at: number, size: number): Reference | null {
    return at <= FARTHEST && at + size <= this.packet.bytes.length ? { bytes: this.packet.bytes, at } : null
  }

  private wrapped(node: Typed, value: bigint): bigint {
    if (node.type.kind !== 'int') throw new Error(`${node.op} is no integer`)
    return wrap(node.type, value)
  }

  private arithmetic(node: Extract<Typed, { op: 'arithmetic' }>): bigint {
    if (node.type.kind !== 'int') throw new Error('no integer')
    const { bits } = node.type
    const a = this.value(node.left) as bigint
    const b = this.value(node.right) as bigint
    const by = BigInt.asUintN(64, b) & BigInt(bits === 64 ? 63 : 31)
    const results: Readonly<Record<typeof node.operator, () => bigint>> = {
      '+': () => a + b,
      '-': () => a - b,
      '*': () => a * b,
      '/': () => (b === 0n ? 0n : a / b),
      '%': () => (b === 0n ? a : a % b),
      '&': () => a & b,
      '|': () => a | b,
      '^': () => a ^ b,
      '<<': () => a << by,
      '>>': () => a >> by,
      '>>>': () => BigInt.asUintN(bits, a) >> by,
    }
    return wrap(node.type, results[node.operator]())
  }

  /** The entry of the longest prefix: all bits of a prefix that count are those of the key. */
  private longest(name: string, key: Uint8Array): Uint8Array | undefined {
    const bit = (bytes: Uint8Array, index: number) => ((bytes[4 + (index >> 3)] ?? 0) >> (7 - (index & 7))) & 1
    const found = [...(this.world.tables[name] ?? [])]
      .map(([text, value]) => ({ prefix: Buffer.from(text, 'hex'), value }))
      .filter(({ prefix }) => {
        const length = prefix.readUInt32LE(0)
        return Array.from({ length }, (_, index) => index).every((index) => bit(prefix, index) === bit(key, index))
      })
    return found.sort((a, b) => b.prefix.readUInt32LE(0) - a.prefix.readUInt32LE(0))[0]?.value
  }

  private atomic(node: Extract<Typed, { op: 'atomic' }>): bigint {
    if (node.type.kind !== 'int') throw new Error('no integer')
    const { bytes, at } = this.value(node.base) as Reference
    const [first = 0n, second = 0n] = node.operands.map((one) => this.value(one) as bigint)
    const before = wrap(
      node.type,
      [...bytes.subarray(at + node.field.offset, at + node.field.offset + node.field.layout.size)].reduceRight(
        (word, octet) => (word << 8n) | BigInt(octet),
        0n,
      ),
    )
    const after: Readonly<Record<typeof node.operation, bigint>> = {
      add: before + first,
      or: before | first,
      and: before & first,
      xor: before ^ first,
      exchange: first,
      compareExchange: before === first ? second : before,
    }
    writeField(bytes, at, node.field, after[node.operation])
    return before
  }

  private key(struct: StructType, fields: readonly StructField[]): string {
    return toHex(this.record(struct, fields))
  }

  private record(struct: StructType, fields: readonly StructField[]): Uint8Array {
    const bytes = new Uint8Array(struct.size)
    for (const { field, value } of fields) {
      writeField(bytes, 0, field, this.value(value))
      // Only the keys of prefixes are in network order.
      const places =
        field.layout.kind === 'list' ? elementsOf(field.layout, field.offset) : [{ place: field.offset, field }]
      for (const { place, field: one } of places)
        if (struct.order === 'network' && one.layout.kind === 'scalar')
          bytes.subarray(place, place + one.layout.size).reverse()
    }
    return bytes
  }

  private set(node: Extract<Typed, { op: 'set' | 'add' | 'replace' }>): boolean {
    const { name, table } = node.table
    const key = this.key(table.key, node.key)
    const value = this.record(table.value, node.value)
    const entries = this.world.tables[name]
    if (entries === undefined) throw new Error(`no table ${name}`)
    const known = entries.get(key)
    if (node.op !== 'set' && (known === undefined) !== (node.op === 'add')) return false
    // Entries of an array stay where they are.
    if (isArray(mapKind(table.kind))) {
      known?.set(value)
      return known !== undefined
    }
    if (known === undefined && entries.size >= table.entries) return false
    entries.set(key, value)
    return true
  }

  private push(node: Extract<Typed, { op: 'push' }>): boolean {
    const { name, table } = node.table
    const entries = this.world.tables[name]
    const value = this.record(table.value, node.value)
    if (entries === undefined) throw new Error(`no table ${name}`)
    if (entries.size >= table.entries) return false
    // Their keys count up; only their order matters.
    entries.set(String(Number([...entries.keys()].at(-1) ?? 0) + 1), value)
    return true
  }

  /** The first of a queue, or the last of a stack: a copy. */
  private next(node: Extract<Typed, { op: 'pop' | 'peek' }>): Reference | null {
    const { name, table } = node.table
    const entries = this.world.tables[name]
    if (entries === undefined) throw new Error(`no table ${name}`)
    const found = table.kind === 'stack' ? [...entries].at(-1) : [...entries][0]
    if (found === undefined) return null
    if (node.op === 'pop') entries.delete(found[0])
    return { bytes: found[1].slice(), at: 0 }
  }
}
