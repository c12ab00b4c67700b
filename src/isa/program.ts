import type { Layout } from './layout.ts'
import type { TraceSite } from './trace.ts'

/** One eBPF instruction (RFC 9669 section 3). A wide one (`lddw`) is one element here and two slots when encoded. */
export interface Instruction {
  readonly opcode: number
  /** Destination register, 0 to 10. */
  readonly dst: number
  /** Source register, 0 to 10. For `lddw`, chosen by the loader when `map` is set. */
  readonly src: number
  /** Signed 16 bits: a memory displacement, or a jump distance in slots from the next instruction. */
  readonly offset: number
  /** Signed 32 bits. For `lddw` without `map`, any 64 bits, unsigned. */
  readonly imm: number | bigint
  /** `lddw` only: the map whose reference is loaded. */
  readonly map?: string
  /** With `map`: load the address of this byte of the (array) map's first value instead of the map itself. */
  readonly mapValue?: number
  /** Which text this came from: an index into {@link Program.lines}. */
  readonly line?: number
}

/** The hook a program is for: what its context is, and what its return values mean. */
export type Hook = 'tc' | 'xdp'

/**
 * Where on an interface a program runs, and for XDP by whom: by the driver, or by the kernel after it has made an skb of the
 * frame (generic, which every interface has).
 */
export type AttachPoint = 'tc ingress' | 'tc egress' | 'xdp native' | 'xdp generic'

/** What people ask for. `xdp`: whether drivers run the programs, the machine says. */
export const HOOK_POINTS = ['tc ingress', 'tc egress', 'xdp', 'xdp native', 'xdp generic'] as const satisfies readonly (
  | AttachPoint
  | 'xdp'
)[]
export type HookPoint = (typeof HOOK_POINTS)[number]

export const hookAt = (point: AttachPoint): Hook => (point === 'tc ingress' || point === 'tc egress' ? 'tc' : 'xdp')

export type MapKind =
  | 'array'
  | 'percpu_array'
  | 'hash'
  | 'percpu_hash'
  | 'lru_hash'
  | 'lru_percpu_hash'
  | 'lpm_trie'
  | 'devmap'
  | 'prog_array'
  | 'queue'
  | 'stack'
  | 'ringbuf'
  | 'bloom_filter'
  | 'array_of_maps'

/**
 * Entries are numbered, and hold the indices of interfaces: what XDP redirects to. The control plane sets and clears them,
 * and the kernel clears those of interfaces that go away.
 */
export const isDevmap = (kind: MapKind): kind is 'devmap' => kind === 'devmap'

/** Entries are numbered, and hold programs, to which others go over by a tail call. The control plane sets and clears them. */
export const isProgramArray = (kind: MapKind): kind is 'prog_array' => kind === 'prog_array'

/** Entries are numbered, and there from the start. */
export const isArray = (kind: MapKind): kind is 'array' | 'percpu_array' => kind === 'array' || kind === 'percpu_array'

/** Values without keys, which come and go in their order. The key's layout has no bytes. */
export const isSequence = (kind: MapKind): kind is 'queue' | 'stack' => kind === 'queue' || kind === 'stack'

/** Records from programs to the control plane. The key's layout has no bytes, and `entries` are bytes. Linux 5.8. */
export const isRing = (kind: MapKind): kind is 'ringbuf' => kind === 'ringbuf'

/** Only whether a value was ever put in, and now and then yes for one that was not. The key's layout has no bytes. Linux 5.16. */
export const isBloom = (kind: MapKind): kind is 'bloom_filter' => kind === 'bloom_filter'

/** What it holds has no keys: the key's layout has no bytes. */
export const isKeyless = (kind: MapKind): boolean => isSequence(kind) || isRing(kind) || isBloom(kind)

/** Each entry has a value for each CPU. */
export const isPerCpu = (kind: MapKind): kind is 'percpu_array' | 'percpu_hash' | 'lru_percpu_hash' =>
  kind === 'percpu_array' || kind === 'percpu_hash' || kind === 'lru_percpu_hash'

/** Instead of refusing a new entry, the least recently used one is given up. */
export const isLru = (kind: MapKind): kind is 'lru_hash' | 'lru_percpu_hash' =>
  kind === 'lru_hash' || kind === 'lru_percpu_hash'

/** A map as the kernel creates it. Sizes in bytes; layouts give BTF its names and bpftool its fields. */
export interface MapDescription {
  readonly kind: MapKind
  readonly key: Layout
  readonly value: Layout
  readonly entries: number
  /** Where in a value a lock is (`struct bpf_spin_lock`, 4 bytes): of hashes and arrays that have one. */
  readonly lock?: number
  /** Of a map of maps, which has one entry: the map in it. */
  readonly inner?: MapDescription
}

/** A line of source that instructions came from. Line and column count from 1. */
export interface SourceLine {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly text: string
}

/** A function that a program calls: r1 to r5 are its parameters, r0 is its result, a number of 64 bits. */
export interface ProgramFunction {
  readonly name: string
  /** The slot of its first instruction. It ends where the next one starts. */
  readonly slot: number
  readonly parameters: readonly ('context' | 'u32' | 'u64')[]
}

/** What the compiler makes and both machines run. Plain data: it can be printed, compared, and stored. */
export interface Program {
  readonly name: string
  readonly hook: Hook
  readonly instructions: readonly Instruction[]
  /** What it calls, by slot; the program itself is at slot 0. */
  readonly functions?: readonly ProgramFunction[]
  /** Every map the instructions refer to, by the name they use. */
  readonly maps: Readonly<Record<string, MapDescription>>
  /** Where it goes over to other programs: the numbers that they have in its array of programs. */
  readonly slots?: readonly number[]
  /** Where copies of its packets go on: numbers in that array, too. */
  readonly copies?: readonly number[]
  /**
   * Of each instruction, which of the numbers that were open when it was compiled its immediate is, or its `mapValue`. They decide
   * nothing else: programs that differ in nothing else are alike. Those that have the very same array differ in these numbers, in
   * the names of maps and in their own name at most.
   */
  readonly open?: readonly (number | undefined)[]
  readonly lines: readonly SourceLine[]
  /** What its events mean, if it is traced. */
  readonly sites?: readonly TraceSite[]
  /** Bytes of stack used, spills and called functions included; the kernel allows 512. */
  readonly stack: number
}

/** How many 8-byte slots an instruction takes when encoded. */
export const slotsOf = ({ opcode }: Pick<Instruction, 'opcode'>): 1 | 2 => (opcode === 0x18 ? 2 : 1)
