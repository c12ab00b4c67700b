/** Where the checksum is that covers the addresses of a network header. */
import { CSUM } from '../../isa/opcodes.ts'
import { header, IPv4, IPv6, PROTOCOL, type StructType, TRANSPORTS, u8, u16, u32 } from '../../lang/index.ts'
import type { Builder } from '../builder.ts'
import type { Block, Size, Value } from '../ir.ts'
import { swapBytes } from '../passes/simplify.ts'
import type { Passage } from './packet.ts'
import { readPacket } from './read.ts'
import type { PacketReference } from './reference.ts'

/** Flags of l4_csum_replace lie above 16 bits of distance, in one register. */
export const FLAGS_SHIFT = 16

/** Of a place: its flags, and which of them it has on some ways here, and on all. */
export interface Flags {
  readonly value: Value
  readonly some: number
  readonly all: number
}

const ANY = 0xffff

/** Of a place, or 0 where there is none. */
export function flagsOf(builder: Builder, place: Value): Flags {
  const value = builder.emit({ op: 'alu', alu: 'rsh', bits: 32 }, place, builder.constant(FLAGS_SHIFT))
  let [some, all] = [0, ANY]
  const seen = new Set([place])
  for (const one of seen) {
    if (one.op === 'const' && one.value === 0n) continue
    const constant = one.op === 'const' ? one : one.arguments[1]
    if (one.op === 'phi' && !builder.isOpen(one)) for (const argument of one.arguments) seen.add(argument)
    else if ((one.op === 'const' || (one.op === 'alu' && one.alu === 'add')) && constant?.op === 'const') {
      some |= Number(constant.value >> BigInt(FLAGS_SHIFT))
      all &= Number(constant.value >> BigInt(FLAGS_SHIFT))
    } else return { value, some: ANY, all: 0 }
  }
  return { value, some, all }
}

/** SSA variables that no source names, and no account. */
const FIRST = -(2 ** 41)
const WALK = { place: FIRST, next: FIRST - 1, at: FIRST - 2, round: FIRST - 3 } as const

/** RFC 8200 section 4: hop-by-hop options, destination options, and routing headers, all with their length in the second octet. */
const Extension = header('Extension', { nextHeader: u8, length: u8, type: u8, segmentsLeft: u8 })
const Fragment = header('Fragment', { nextHeader: u8, reserved: u8, fragmentOffset: u16, identification: u32 })
const EXTENSION = { hopByHop: 0, routing: 43, fragment: 44, destination: 60 } as const
/** More of them, and the packet has no transport header for us. */
const MOST_EXTENSIONS = 8
/** Neither are more bytes of them than that looked at: as much of every packet would have to be pulled in. */
const LONGEST_CHAIN = 256

/**
 * Bytes from the start of the packet to the checksum, and flags; 0 where there is none. `isDestination`: what is on a list of
 * addresses to be visited is not the destination that a checksum covers.
 */
export function findTransport(
  builder: Builder,
  packet: Passage,
  network: PacketReference,
  version: 4 | 6,
  isDestination: boolean,
): Value {
  const walk = new Walk(builder, packet, network)
  return version === 4 ? walk.ipv4() : walk.ipv6(isDestination)
}

class Walk {
  private readonly builder: Builder
  private readonly packet: Passage
  private readonly network: PacketReference
  /** Where nothing is found. */
  private readonly none: Block
  private readonly done: Block

  constructor(builder: Builder, packet: Passage, network: PacketReference) {
    this.builder = builder
    this.packet = packet
    this.network = network
    this.none = builder.newBlock()
    this.done = builder.newBlock()
  }

  ipv4(): Value {
    const { pointer, offset } = this.network
    const word = this.load(pointer, IPv4, 'fragmentOffset')
    // Only the first fragment has a transport header.
    this.mustBe(this.bits('and', word, Number(swapBytes(0x1fffn, 16))), 0)
    const first = this.load(pointer, IPv4, 'headerLength')
    const length = this.bits('lsh', this.bits('and', first, 0xf), 2)
    this.arrive(this.load(pointer, IPv4, 'protocol'), this.bits('add', offset, length), CSUM.pseudo)
    return this.finish()
  }

  ipv6(isDestination: boolean): Value {
    const { builder, network } = this
    builder.write(WALK.next, this.load(network.pointer, IPv6, 'nextHeader'))
    builder.write(WALK.at, this.bits('add', network.offset, IPv6.size))
    const [arrived, left] = [builder.newBlock(), builder.rounds]
    builder.write(WALK.round, builder.constant(0))
    builder.rounds *= MOST_EXTENSIONS
    const round = builder.newBlock()
    builder.jump(round)
    builder.block = round
    const [extension, fragment, routing] = [builder.newBlock(), builder.newBlock(), builder.newBlock()]
    const [plain, further] = [builder.newBlock(), builder.newBlock()]
    const next = builder.read(WALK.next)
    this.choose(next, [
      [EXTENSION.hopByHop, extension],
      [EXTENSION.destination, extension],
      [EXTENSION.routing, extension],
      [EXTENSION.fragment, fragment],
    ])
    builder.jump(arrived)

    builder.enter(extension)
    const pointer = this.read(Extension)
    builder.branch('eq', 32, next, builder.constant(EXTENSION.routing), routing, plain)
    builder.enter(routing)
    if (isDestination) this.mustBe(this.load(pointer, Extension, 'segmentsLeft'), 0)
    builder.jump(plain)
    builder.enter(plain)
    const length = this.bits('lsh', this.bits('add', this.load(pointer, Extension, 'length'), 1), 3)
    this.step(pointer, length, further)

    builder.enter(fragment)
    const part = this.read(Fragment)
    this.mustBe(this.bits('and', this.load(part, Fragment, 'fragmentOffset'), Number(swapBytes(0xfff8n, 16))), 0)
    this.step(part, builder.constant(Fragment.size), further)

    builder.enter(further)
    const counter = this.bits('add', builder.read(WALK.round), 1)
    builder.write(WALK.round, counter)
    builder.branch('ne', 32, counter, builder.constant(MOST_EXTENSIONS), round, this.none, { counts: true })
    builder.rounds = left
    builder.seal(round)

    builder.enter(arrived)
    this.arrive(builder.read(WALK.next), builder.read(WALK.at), CSUM.pseudo | CSUM.ipv6)
    return this.finish()
  }

  private bits(alu: 'and' | 'lsh' | 'add' | 'sub', a: Value, b: Value | number): Value {
    const { builder } = this
    return builder.emit({ op: 'alu', alu, bits: 32 }, a, typeof b === 'number' ? builder.constant(b) : b)
  }

  /** The bytes that hold a field, as memory has them. */
  private load(pointer: Value, struct: StructType, name: string): Value {
    const field = struct.layout.fields.find((one) => one.name === name)
    if (field === undefined) throw new Error(`${struct.name} has no ${name}`)
    const size = field.layout.size as Size
    return this.builder.emit({ op: 'load', size, offset: field.offset, from: 'packet' }, pointer)
  }

  private mustBe(value: Value, wanted: number): void {
    const { builder } = this
    const next = builder.newBlock()
    builder.branch('eq', 32, value, builder.constant(wanted), next, this.none)
    builder.enter(next)
  }

  private choose(value: Value, ways: readonly (readonly [number, Block])[]): void {
    const { builder } = this
    for (const [wanted, to] of ways) {
      const other = builder.newBlock()
      builder.branch('eq', 32, value, builder.constant(wanted), to, other)
      builder.enter(other)
    }
  }

  private read(struct: StructType): Value {
    const { builder, packet } = this
    const at = builder.read(WALK.at)
    const chain = this.bits('sub', at, this.network.offset)
    const near = builder.newBlock()
    builder.branch('ule', 32, chain, builder.constant(LONGEST_CHAIN), near, this.none)
    builder.enter(near)
    const distance = this.bits('add', this.network.offset, this.bits('and', chain, 2 * LONGEST_CHAIN - 1))
    const { pointer, present } = readPacket(builder, packet, distance, struct.size)
    for (const { comparison, bits, left, right } of present) {
      const next = builder.newBlock()
      builder.branch(comparison, bits, left, right, next, this.none)
      builder.enter(next)
    }
    return pointer
  }

  private step(pointer: Value, length: Value, further: Block): void {
    const { builder } = this
    builder.write(WALK.next, this.load(pointer, Extension, 'nextHeader'))
    builder.write(WALK.at, this.bits('add', builder.read(WALK.at), length))
    builder.jump(further)
  }

  /** At a transport header: those that cover addresses. */
  private arrive(protocol: Value, at: Value, flags: number): void {
    const { builder } = this
    for (const { protocol: wanted, header: struct } of TRANSPORTS) {
      if (wanted === PROTOCOL.icmpv6 && (flags & CSUM.ipv6) === 0) continue
      const { checksum } = struct.checksums ?? {}
      const field = struct.layout.fields.find(({ name }) => name === checksum?.field)
      const [found, other] = [builder.newBlock(), builder.newBlock()]
      builder.branch('eq', 32, protocol, builder.constant(wanted), found, other)
      builder.enter(found)
      const all = flags | (checksum?.optional === true ? CSUM.mangled0 : 0)
      builder.write(WALK.place, this.bits('add', at, (field?.offset ?? 0) + all * 2 ** FLAGS_SHIFT))
      builder.jump(this.done)
      builder.enter(other)
    }
    builder.jump(this.none)
  }

  private finish(): Value {
    const { builder } = this
    builder.enter(this.none)
    builder.write(WALK.place, builder.constant(0))
    builder.jump(this.done)
    builder.enter(this.done)
    return builder.read(WALK.place)
  }
}
