import { refusal } from '../base/diagnostic.ts'
import { HELPER, helperName, LIMIT, REDIRECT_INGRESS, SK_BUFF } from '../isa/opcodes.ts'
import type { Hook } from '../isa/program.ts'
import { PacketBuffer } from './buffer.ts'
import type { SimulatedClock } from './clock.ts'
import { type Arrival, type Context, contexts } from './context.ts'
import type { Executable, Processor, Registers } from './engine.ts'
import { ERRNO } from './errno.ts'
import { Trap } from './fault.ts'
import { isContext, mapIn, unsigned } from './helpers/arguments.ts'
import { Lock } from './helpers/lock.ts'
import { lookup, peek, pop, push, remove, update } from './helpers/maps.ts'
import { movePacket } from './helpers/moves.ts'
import { Records } from './helpers/records.ts'
import { type Destination, type Redirection, redirect, redirectByMap, redirectToPeer } from './helpers/redirects.ts'
import { AT } from './layout.ts'
import { Memory, REGION } from './memory.ts'
import { retag, type Tag } from './vlan.ts'

export interface Outcome {
  readonly verdict: number
  readonly packet: Uint8Array
  /** What the last call of redirect or redirect_map, if there was one, chose. */
  readonly redirects: readonly Destination[]
  /** Its outer VLAN tag, where that is beside it. */
  readonly tag: Tag | undefined
  /** `tc_index`, as the program has left it. */
  readonly mark: number
}

/** Sends a copy of the packet; 0, or a negated error number. */
export type Clone = (packet: Uint8Array, to: Destination) => number

/** The one CPU of the virtual machine: runs one program on one packet at a time. */
export class VirtualProcessor implements Processor {
  readonly memory = new Memory()
  readonly budget: number
  #hook: Hook = 'tc'
  readonly #clock: SimulatedClock
  readonly #contexts = contexts(this.memory.heap)
  #packet = new PacketBuffer(this.memory)
  #context: Context = this.#contexts.tc
  #random: number
  #redirects: readonly Destination[] = []
  /** The most that TC programs find in the first part of a packet (its linear data). */
  readonly #linear: number
  #ingress = 0
  #tailCalls = 0
  readonly #records = new Records(this.memory)
  readonly #lock = new Lock(this.memory)
  #clone: Clone = () => 0

  constructor(clock: SimulatedClock, budget: number, seed: number, linear: number) {
    this.#clock = clock
    this.#linear = linear
    this.budget = budget
    // Zero is the one state that xorshift never leaves.
    this.#random = seed >>> 0 || 0x9e3779b9
  }

  run(code: Executable, frame: Uint8Array, arrival: Arrival, clone: Clone): Outcome {
    this.#arrive(code, frame, arrival, clone)
    const verdict = code.run()
    if (this.#records.isReserved) throw refusal(`program "${code.program.name}" ended with a record in its hands`)
    if (this.#lock.isHeld) throw refusal(`program "${code.program.name}" ended with a lock in its hands`)
    return {
      verdict,
      packet: this.#packet.bytes,
      tag: this.#packet.tag,
      mark: this.#mark,
      redirects: this.#redirects,
    }
  }

  /** Runs a program many times on one packet, as it has left it. Its last verdict. */
  repeat(code: Executable, frame: Uint8Array, arrival: Arrival, clone: Clone, times: number): number {
    this.#arrive(code, frame, arrival, clone)
    let verdict = 0
    for (let run = 0; run < times; run++) verdict = code.run()
    return verdict
  }

  /** Runs other programs on other packets, while one runs. For that one all is as it was afterwards. */
  aside<T>(run: () => T): T {
    const { memory } = this
    const place = memory.packet
    const [hook, context, packet, ingress, clone] = [
      this.#hook,
      this.#context,
      this.#packet,
      this.#ingress,
      this.#clone,
    ]
    const [redirects, tailCalls] = [this.#redirects, this.#tailCalls]
    const bytes = this.#bytes.slice(AT.packet, AT.packet + packet.length)
    const fields = this.#bytes.slice(AT.context, AT.context + context.region.length)
    this.#packet = new PacketBuffer(memory)
    const result = this.#records.aside(() => memory.aside(run))
    this.#bytes.set(fields, AT.context)
    this.#bytes.set(bytes, AT.packet)
    memory.setPacket(packet.region, place)
    memory.measurePacket(packet.linear)
    memory.regions[REGION.context] = context.region
    this.#hook = hook
    this.#context = context
    this.#packet = packet
    this.#ingress = ingress
    this.#clone = clone
    this.#redirects = redirects
    this.#tailCalls = tailCalls
    return result
  }

  #arrive(code: Executable, frame: Uint8Array, arrival: Arrival, clone: Clone): void {
    const packet = this.#packet
    this.#hook = code.program.hook
    packet.fill(frame, arrival.tag, this.#hook === 'tc' ? this.#linear : frame.length)
    this.memory.setPacket(packet.region)
    this.#context = this.#contexts[this.#hook]
    this.#context.fill(packet, arrival)
    this.memory.regions[REGION.context] = this.#context.region
    this.#redirects = []
    this.#tailCalls = 0
    const { words } = this.memory.heap
    words[AT.clock >> 2] = this.#clock.low
    words[(AT.clock >> 2) + 1] = this.#clock.high
    this.#lock.forget()
    this.#records.drop()
    this.#ingress = arrival.ifindex
    this.#clone = clone
  }

  get #mark(): number {
    return this.#hook === 'tc' ? (this.memory.heap.words[(AT.context + SK_BUFF.tc_index) >> 2] ?? 0) : 0
  }

  contextPointer(at: number): number {
    return this.#context.pointer(at, this.#packet.linear)
  }

  call(helper: number, code: Registers): void {
    if (this.#lock.isHeld && helper !== HELPER.spin_unlock) throw new Trap('a helper is called under a lock')
    if (helper === HELPER.map_lookup_elem) lookup(this.memory, code)
    else if (helper === HELPER.ringbuf_reserve) this.#records.reserve(code)
    else if (helper === HELPER.tail_call) this.#tailCall(code)
    else if (helper === HELPER.ktime_get_ns) {
      code.lo[0] = this.#clock.low
      code.hi[0] = this.#clock.high
    } else {
      const result = this.#result(helper, code)
      code.lo[0] = result
      code.hi[0] = result < 0 ? -1 : 0
    }
  }

  get #bytes(): Uint8Array {
    return this.memory.heap.bytes
  }

  /** What a helper returns that fits into 32 bits, or a negated error number. */
  #result(helper: number, code: Registers): number {
    switch (helper) {
      case HELPER.map_update_elem:
        return update(this.memory, code)
      case HELPER.map_delete_elem:
        return remove(this.memory, code)
      case HELPER.map_push_elem:
        return push(this.memory, code)
      case HELPER.map_pop_elem:
        return pop(this.memory, code)
      case HELPER.map_peek_elem:
        return peek(this.memory, code)
      case HELPER.spin_lock:
        return this.#lock.take(code)
      case HELPER.spin_unlock:
        return this.#lock.release(code)
      case HELPER.skb_load_bytes:
      case HELPER.xdp_load_bytes:
        return this.#loadBytes(code)
      case HELPER.ringbuf_submit:
        return this.#records.submit(code)
      case HELPER.ringbuf_output:
        return this.#records.output(code)
      case HELPER.get_prandom_u32:
        return this.#next()
      case HELPER.get_smp_processor_id:
        return 0
      case HELPER.clone_redirect:
        return this.#cloneRedirect(code)
      case HELPER.redirect:
        return this.#redirected(redirect(code, this.#hook))
      case HELPER.redirect_peer:
        return this.#redirected(redirectToPeer(code))
      case HELPER.redirect_map:
        return this.#redirected(redirectByMap(this.memory, code, this.#ingress))
      case HELPER.csum_update:
        // Nothing here is summed up by hardware.
        return -ERRNO.ENOTSUPP
      default:
        return this.#move(helper, code)
    }
  }

  #redirected({ action, to = this.#redirects }: Redirection): number {
    this.#redirects = to
    return action
  }

  /** Every pointer into the packet is stale afterwards, whether the helper succeeds or not. */
  #move(helper: number, code: Registers): number {
    const result = movePacket(this.#packet, helper, code)
    if (!isContext(code)) throw new Trap(`${helperName(helper)} takes the context first`)
    this.memory.movePacket()
    this.#context.update(this.#packet)
    return result
  }

  /** bpf_skb_load_bytes, which gives zeros where it fails; bpf_xdp_load_bytes, which gives nothing (net/core/filter.c). */
  #loadBytes(code: Registers): number {
    if (!isContext(code)) throw new Trap('what loads bytes takes the context first')
    const [from, at, size] = [code.lo[2] ?? 0, unsigned(code, 3), code.lo[4] ?? 0]
    if (code.hi[4] !== 0 || size <= 0) throw new Trap('at least one byte is loaded')
    const to = this.memory.result(code.hi[3] ?? 0, at, size)
    const isThere = code.hi[2] === 0 && from >= 0 && from + size <= this.#packet.length
    if (isThere) this.#bytes.copyWithin(to, AT.packet + from, AT.packet + from + size)
    else if (this.#hook === 'tc') this.#bytes.fill(0, to, to + size)
    return isThere ? 0 : this.#hook === 'tc' ? -ERRNO.EFAULT : -ERRNO.EINVAL
  }

  /** bpf_clone_redirect (net/core/filter.c): the copy leaves at once, and the packet may have moved afterwards. */
  #cloneRedirect(code: Registers): number {
    if (!isContext(code)) throw new Trap('clone_redirect takes the context first')
    this.memory.movePacket()
    const flags = unsigned(code, 3)
    if (code.hi[3] !== 0 || (flags & ~REDIRECT_INGRESS) !== 0) return -ERRNO.EINVAL
    const to = { ifindex: unsigned(code, 2), ingress: flags === REDIRECT_INGRESS, mark: this.#mark }
    return this.#clone(retag(this.#packet.bytes, this.#packet.tag), to)
  }

  /** bpf_tail_call (kernel/bpf/core.c). */
  #tailCall(code: Registers): void {
    const { lo, hi } = code
    const { programs } = mapIn(this.memory, code, 2)
    if (!isContext(code)) throw new Trap('tail_call takes the context first')
    if (programs === undefined) throw new Trap('r2 is no array of programs')
    if (this.#records.isReserved) throw new Trap('a tail call with a record in its hands')
    const target = programs.get(unsigned(code, 3))
    const isDone = target !== undefined && this.#tailCalls < LIMIT.tailCalls
    if (isDone) {
      this.#tailCalls++
      this.memory.aside(() => target.code.run())
    }
    // Views may be others now.
    const { words } = this.memory.heap
    words[AT.tailed >> 2] = isDone ? 1 : 0
    lo[0] = words[AT.registers >> 2] ?? 0
    hi[0] = words[(AT.registers >> 2) + 1] ?? 0
  }

  /** Marsaglia's xorshift32: the same numbers in every run, so that tests can repeat. */
  #next(): number {
    let x = this.#random
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#random = x >>> 0
    return this.#random
  }
}
