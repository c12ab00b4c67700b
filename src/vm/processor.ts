import { viewOf } from '../base/bytes.ts'
import { refusal } from '../base/diagnostic.ts'
import { HELPER, helperName, LIMIT, REDIRECT, SK_BUFF, TC_ACT, XDP_ACTION } from '../isa/opcodes.ts'
import { type Hook, isDevmap, isKeyless, isProgramArray } from '../isa/program.ts'
import { PacketBuffer } from './buffer.ts'
import type { SimulatedClock } from './clock.ts'
import { type Arrival, type Context, contexts } from './context.ts'
import type { Executable, Processor, Registers } from './engine.ts'
import { ERRNO } from './errno.ts'
import { Trap } from './fault.ts'
import { AT } from './layout.ts'
import type { VirtualMap } from './map.ts'
import { Memory, REGION, Region, TAKES, valueIn } from './memory.ts'
import type { Ring } from './ring.ts'
import type { Sequence } from './sequence.ts'
import { retag, type Tag } from './vlan.ts'

/** Redirect to the ingress of an interface instead of out of it (linux/bpf.h, BPF_F_INGRESS). */
export const F_INGRESS = 1

/** What redirect_map may return where it finds nothing: XDP_ABORTED to XDP_TX. */
const ACTION_MASK = 3

/** What is in a record that nobody has written yet. */
const GARBAGE = 0xdb

/** BPF_RB_NO_WAKEUP and BPF_RB_FORCE_WAKEUP (linux/bpf.h): here everybody who waits is told. */
const WAKEUPS = 3

/** Where a helper sends a packet. */
export interface Destination {
  readonly ifindex: number
  readonly ingress: boolean
  /** To the other end of a pair at once, past what is on this one. */
  readonly peer?: boolean
  /** `tc_index`, which goes with the packet. */
  readonly mark?: number
}

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
  /** The ring that a record is reserved in. */
  #reserved: Ring | undefined
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
    if (this.#reserved !== undefined) throw refusal(`program "${code.program.name}" ended with a record in its hands`)
    if (this.#isLocked) throw refusal(`program "${code.program.name}" ended with a lock in its hands`)
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
    const { packet: place, regions } = memory
    const [hook, context, packet, ingress, clone] = [
      this.#hook,
      this.#context,
      this.#packet,
      this.#ingress,
      this.#clone,
    ]
    const [redirects, tailCalls, reserved] = [this.#redirects, this.#tailCalls, this.#reserved]
    const record = regions[REGION.record]
    const bytes = this.#bytes.slice(AT.packet, AT.packet + packet.length)
    const fields = this.#bytes.slice(AT.context, AT.context + context.region.length)
    this.#packet = new PacketBuffer(memory)
    this.#reserved = undefined
    regions[REGION.record] = undefined
    const result = memory.aside(run)
    this.#dropRecord()
    this.#bytes.set(fields, AT.context)
    this.#bytes.set(bytes, AT.packet)
    memory.setPacket(packet.region, place)
    memory.measurePacket(packet.linear)
    regions[REGION.record] = record
    regions[REGION.context] = context.region
    this.#hook = hook
    this.#context = context
    this.#packet = packet
    this.#ingress = ingress
    this.#clone = clone
    this.#redirects = redirects
    this.#tailCalls = tailCalls
    this.#reserved = reserved
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
    this.#holdLock(0, 0)
    this.#dropRecord()
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
    if (this.#isLocked && helper !== HELPER.spin_unlock) throw new Trap('a helper is called under a lock')
    if (helper === HELPER.map_lookup_elem) this.#lookup(code)
    else if (helper === HELPER.ringbuf_reserve) this.#reserve(code)
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

  #dropRecord(): void {
    const record = this.memory.regions[REGION.record]
    if (record !== undefined) this.memory.heap.release(record.start, record.length)
    this.memory.regions[REGION.record] = undefined
    this.#reserved = undefined
  }

  /** What a helper returns that fits into 32 bits, or a negated error number. */
  #result(helper: number, code: Registers): number {
    switch (helper) {
      case HELPER.map_update_elem:
        return this.#update(code)
      case HELPER.map_delete_elem: {
        const map = this.#changeable(code)
        const key = this.#argument(code, 2, map.description.key.size, TAKES.key)
        return map.delete(this.#bytes, key)
      }
      case HELPER.map_push_elem:
        return this.#push(code)
      case HELPER.map_pop_elem:
        return this.#give(code, this.#sequence(code).pop())
      case HELPER.map_peek_elem:
        return this.#map(code).bloom === undefined ? this.#give(code, this.#sequence(code).peek()) : this.#has(code)
      case HELPER.spin_lock:
        this.#checkLock(code)
        this.#holdLock(code.lo[1] ?? 0, code.hi[1] ?? 0)
        return 0
      case HELPER.spin_unlock:
        this.#checkLock(code)
        this.#releaseLock(code)
        return 0
      case HELPER.skb_load_bytes:
      case HELPER.xdp_load_bytes:
        return this.#loadBytes(code)
      case HELPER.ringbuf_submit:
        return this.#submit(code)
      case HELPER.ringbuf_output:
        return this.#putRecord(code)
      case HELPER.get_prandom_u32:
        return this.#next()
      case HELPER.get_smp_processor_id:
        return 0
      case HELPER.clone_redirect:
        return this.#cloneRedirect(code)
      case HELPER.redirect:
        return this.#redirectTo(code)
      case HELPER.redirect_peer:
        return this.#redirectToPeer(code)
      case HELPER.redirect_map:
        return this.#redirectByMap(code)
      case HELPER.csum_update:
        // Nothing here is summed up by hardware.
        return -ERRNO.ENOTSUPP
      default:
        return this.#move(helper, code)
    }
  }

  /** Helpers after which the packet is elsewhere: every pointer into it is stale, whether they succeed or not. */
  #move(helper: number, code: Registers): number {
    const result = this.#change(helper, code)
    if (code.hi[1] !== REGION.context || code.lo[1] !== 0)
      throw new Trap(`${helperName(helper)} takes the context first`)
    this.memory.movePacket()
    this.#context.update(this.#packet)
    return result
  }

  #change(helper: number, code: Registers): number {
    const { lo, hi } = code
    const packet = this.#packet
    switch (helper) {
      case HELPER.xdp_adjust_head:
        return packet.adjustHead(lo[2] ?? 0)
      case HELPER.xdp_adjust_tail:
        return packet.adjustTail(lo[2] ?? 0)
      case HELPER.skb_vlan_push: {
        // In network order.
        const protocol = ((unsigned(code, 2) & 0xff) << 8) | ((unsigned(code, 2) >> 8) & 0xff)
        return packet.pushTag(protocol, unsigned(code, 3) & 0xffff)
      }
      case HELPER.skb_vlan_pop:
        return packet.popTag()
      case HELPER.skb_change_tail:
        return packet.changeTail(unsigned(code, 2), flags(code, 3))
      case HELPER.skb_change_head:
        return packet.changeHead(unsigned(code, 2), flags(code, 3))
      case HELPER.skb_pull_data:
        return packet.pull(unsigned(code, 2))
      case HELPER.l4_csum_replace:
        return packet.replaceChecksum(unsigned(code, 2), lo[3] === 0 && hi[3] === 0, unsigned(code, 4), flags(code, 5))
      case HELPER.skb_adjust_room: {
        const high = (hi[4] ?? 0) >>> 0
        const low = (high & 0xffffff) === 0 ? unsigned(code, 4) : -1
        return packet.adjustRoom(lo[2] ?? 0, unsigned(code, 3), low, high >>> 24)
      }
      default:
        throw new Trap(`there is no helper ${helper}`)
    }
  }

  #lookup(code: Registers): void {
    const map = this.#keyed(code)
    const key = this.#argument(code, 2, map.description.key.size, TAKES.key)
    if (map.inner !== undefined) {
      const index = this.memory.heap.view.getUint32(key, true)
      code.lo[0] = 0
      code.hi[0] = index < map.description.entries ? map.inner.id : 0
      return
    }
    const slot = map.find(this.#bytes, key, 'program')
    code.lo[0] = slot < 0 ? 0 : slot * map.stride
    code.hi[0] = slot < 0 ? 0 : valueIn(map.id + 1, slot)
  }

  #update(code: Registers): number {
    const map = this.#changeable(code)
    const key = this.#argument(code, 2, map.description.key.size, TAKES.key)
    const value = this.#argument(code, 3, map.description.value.size, TAKES.value)
    // No flag has a bit above the 31st.
    const flags = code.hi[4] === 0 ? (code.lo[4] ?? 0) : -1
    return map.update(this.#bytes, key, this.#bytes, value, flags)
  }

  #push(code: Registers): number {
    const { size } = this.#map(code).description.value
    const at = this.#argument(code, 2, size, TAKES.value)
    const value = this.#bytes.slice(at, at + size)
    const flags = code.hi[3] === 0 ? (code.lo[3] ?? 0) : -1
    return this.#map(code).bloom?.add(value, flags) ?? this.#sequence(code).push(value, flags)
  }

  #has(code: Registers): number {
    const { bloom, description } = this.#map(code)
    const { size } = description.value
    const at = this.#argument(code, 2, size, TAKES.value)
    return bloom?.has(this.#bytes.slice(at, at + size)) === true ? 0 : -ERRNO.ENOENT
  }

  /** A value, or zeros where there is none, to where r2 points. */
  #give(code: Registers, value: Uint8Array | undefined): number {
    const { size } = this.#map(code).description.value
    const at = (code.lo[2] ?? 0) >>> 0
    this.#bytes.set(value ?? new Uint8Array(size), this.memory.result(code.hi[2] ?? 0, at, size))
    return value === undefined ? -ERRNO.ENOENT : 0
  }

  /** The address of the lock that the program holds is where translations see it; it is 0 where there is none. */
  #holdLock(low: number, high: number): void {
    const { words } = this.memory.heap
    words[AT.lock >> 2] = low
    words[(AT.lock >> 2) + 1] = high
  }

  get #isLocked(): boolean {
    return this.memory.heap.words[(AT.lock >> 2) + 1] !== 0
  }

  #releaseLock({ lo, hi }: Registers): void {
    const { words } = this.memory.heap
    if (words[AT.lock >> 2] !== lo[1] || words[(AT.lock >> 2) + 1] !== hi[1])
      throw new Trap('what is unlocked here is not what was locked')
    this.#holdLock(0, 0)
  }

  /** That r1 points to a lock. */
  #checkLock({ lo, hi }: Registers): void {
    const at = (lo[1] ?? 0) >>> 0
    const region = this.memory.region(hi[1] ?? 0)
    const lock = region?.kind === 'values' ? region.map?.description.lock : undefined
    if (region === undefined || lock === undefined || at >= region.length || at % region.stride !== lock)
      throw new Trap('r1 does not point to a lock')
  }

  #putRecord(code: Registers): number {
    const { ring } = this.#map(code)
    if (ring === undefined) throw new Trap('r1 is no ring')
    const size = code.lo[3] ?? 0
    if (code.hi[3] !== 0 || size <= 0) throw new Trap('a record has a size of 1 to 2147483647 bytes')
    const at = this.#argument(code, 2, size, TAKES.record)
    if (code.hi[4] !== 0 || ((code.lo[4] ?? 0) & ~WAKEUPS) !== 0) return -ERRNO.EINVAL
    return ring.put(this.#bytes.slice(at, at + size))
  }

  /** One at a time, which is all that the compiler asks for. */
  #reserve(code: Registers): void {
    const { ring } = this.#map(code)
    if (ring === undefined) throw new Trap('r1 is no ring')
    if (this.#reserved !== undefined) throw new Trap('a record is reserved while another one is')
    const size = code.lo[2] ?? 0
    if (code.hi[2] !== 0 || size <= 0 || code.hi[3] !== 0 || code.lo[3] !== 0)
      throw new Trap('a record has a size of 1 to 2147483647 bytes, and no flags')
    const isThere = ring.reserve(size)
    code.lo[0] = 0
    code.hi[0] = isThere ? REGION.record : 0
    if (!isThere) return
    this.#reserved = ring
    const { heap } = this.memory
    const start = heap.allocate(size)
    heap.bytes.fill(GARBAGE, start, start + size)
    this.memory.regions[REGION.record] = new Region('record', 'record', start, size)
  }

  #submit(code: Registers): number {
    const record = this.memory.regions[REGION.record]
    if (record === undefined || this.#reserved === undefined || code.hi[1] !== REGION.record || code.lo[1] !== 0)
      throw new Trap('r1 is no record that was reserved')
    if (code.hi[2] !== 0 || ((code.lo[2] ?? 0) & ~WAKEUPS) !== 0) throw new Trap('unknown flags')
    this.#reserved.submit(this.#bytes.slice(record.start, record.start + record.length))
    this.#dropRecord()
    return 0
  }

  /** bpf_skb_load_bytes, which gives zeros where it fails; bpf_xdp_load_bytes, which gives nothing (net/core/filter.c). */
  #loadBytes(code: Registers): number {
    if (code.hi[1] !== REGION.context || code.lo[1] !== 0) throw new Trap('what loads bytes takes the context first')
    const [from, at, size] = [code.lo[2] ?? 0, (code.lo[3] ?? 0) >>> 0, code.lo[4] ?? 0]
    if (code.hi[4] !== 0 || size <= 0) throw new Trap('at least one byte is loaded')
    const to = this.memory.result(code.hi[3] ?? 0, at, size)
    const isThere = code.hi[2] === 0 && from >= 0 && from + size <= this.#packet.length
    if (isThere) this.#bytes.copyWithin(to, AT.packet + from, AT.packet + from + size)
    else if (this.#hook === 'tc') this.#bytes.fill(0, to, to + size)
    return isThere ? 0 : this.#hook === 'tc' ? -ERRNO.EFAULT : -ERRNO.EINVAL
  }

  #sequence(code: Registers): Sequence {
    const { sequence } = this.#map(code)
    if (sequence === undefined) throw new Trap('r1 is neither a queue nor a stack')
    return sequence
  }

  /** A map whose entries programs may add and remove. */
  #changeable(code: Registers): VirtualMap {
    const map = this.#keyed(code)
    if (map.inner !== undefined) throw new Trap('r1 is a map of maps: programs can only look into it')
    return map
  }

  /** A map whose entries have keys. */
  #keyed(code: Registers): VirtualMap {
    const map = this.#map(code)
    const { kind } = map.description
    if (isKeyless(kind)) throw new Trap(`r1 is a ${kind}: its values have no keys`)
    if (isDevmap(kind)) throw new Trap('r1 is a devmap: programs can only redirect by it')
    if (isProgramArray(kind)) throw new Trap('r1 is an array of programs: there are only tail calls to them')
    return map
  }

  /** bpf_clone_redirect (net/core/filter.c): the copy leaves at once, and the packet may have moved afterwards. */
  #cloneRedirect(code: Registers): number {
    if (code.hi[1] !== REGION.context || code.lo[1] !== 0) throw new Trap('clone_redirect takes the context first')
    this.memory.movePacket()
    const flags = (code.lo[3] ?? 0) >>> 0
    if (code.hi[3] !== 0 || (flags & ~F_INGRESS) !== 0) return -ERRNO.EINVAL
    const to = { ifindex: (code.lo[2] ?? 0) >>> 0, ingress: flags === F_INGRESS, mark: this.#mark }
    return this.#clone(retag(this.#packet.bytes, this.#packet.tag), to)
  }

  /** bpf_redirect, bpf_xdp_redirect (net/core/filter.c): flags nobody knows turn into a drop. */
  #redirectTo(code: Registers): number {
    const flags = (code.lo[2] ?? 0) >>> 0
    const xdp = this.#hook === 'xdp'
    const known = xdp ? 0 : F_INGRESS
    if (code.hi[2] !== 0 || (flags & ~known) !== 0) return xdp ? XDP_ACTION.aborted : TC_ACT.shot
    this.#redirects = [{ ifindex: (code.lo[1] ?? 0) >>> 0, ingress: flags === F_INGRESS }]
    return xdp ? XDP_ACTION.redirect : TC_ACT.redirect
  }

  /** bpf_redirect_peer (net/core/filter.c). */
  #redirectToPeer(code: Registers): number {
    if (code.hi[2] !== 0 || code.lo[2] !== 0) return TC_ACT.shot
    this.#redirects = [{ ifindex: (code.lo[1] ?? 0) >>> 0, ingress: false, peer: true }]
    return TC_ACT.redirect
  }

  /** bpf_redirect_map with a devmap (net/core/filter.c and include/linux/filter.h, __bpf_xdp_redirect_map). */
  #redirectByMap(code: Registers): number {
    const map = this.#map(code)
    if (!isDevmap(map.description.kind)) throw new Trap(`r1 is a ${map.description.kind}, and no devmap`)
    const flags = (code.lo[3] ?? 0) >>> 0
    const ways = REDIRECT.broadcast | REDIRECT.excludeIngress
    if (code.hi[3] !== 0 || (flags & ~(ways | ACTION_MASK)) !== 0) return XDP_ACTION.aborted
    if ((flags & REDIRECT.broadcast) !== 0) {
      const excluded = (flags & REDIRECT.excludeIngress) !== 0 ? this.#ingress : 0
      const all = [...map.entries()].map(([, value]) => ({ ifindex: viewOf(value).getUint32(0, true), ingress: false }))
      this.#redirects = all.filter(({ ifindex }) => ifindex !== excluded)
      return XDP_ACTION.redirect
    }
    const slot = map.find(new Uint8Array(Uint32Array.of(code.lo[2] ?? 0).buffer), 0, 'program')
    if (slot < 0) return flags & ACTION_MASK
    this.#redirects = [{ ifindex: viewOf(map.value(slot)).getUint32(0, true), ingress: false }]
    return XDP_ACTION.redirect
  }

  /** bpf_tail_call (kernel/bpf/core.c). */
  #tailCall(code: Registers): void {
    const { lo, hi } = code
    const { programs } = this.#map(code, 2)
    if (hi[1] !== REGION.context || lo[1] !== 0) throw new Trap('tail_call takes the context first')
    if (programs === undefined) throw new Trap('r2 is no array of programs')
    if (this.#reserved !== undefined) throw new Trap('a tail call with a record in its hands')
    const target = programs.get((lo[3] ?? 0) >>> 0)
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

  /** The map that r1, or another register, refers to. */
  #map({ lo, hi }: Registers, register = 1): VirtualMap {
    const region = this.memory.regions[hi[register] ?? 0]
    if (region?.kind !== 'map' || region.map === undefined || lo[register] !== 0)
      throw new Trap(`r${register} is not a map`)
    return region.map
  }

  /** Where in linear memory the `size` bytes are that a register points to. */
  #argument({ lo, hi }: Registers, register: number, size: number, verb: string): number {
    return this.memory.argument(hi[register] ?? 0, (lo[register] ?? 0) >>> 0, size, verb)
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

const unsigned = ({ lo }: Registers, register: number): number => (lo[register] ?? 0) >>> 0

/** Flags of which none that exists has a bit above the 31st. */
const flags = (code: Registers, register: number): number => (code.hi[register] === 0 ? unsigned(code, register) : -1)
