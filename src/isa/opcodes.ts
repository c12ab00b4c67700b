/**
 * The eBPF instruction set, RFC 9669. An opcode is one byte:
 *
 *     arithmetic and jumps   | code 4 | source 1 | class 3 |
 *     loads and stores       | mode 3 | size 2   | class 3 |
 */

export const CLASS = {
  ld: 0x00,
  ldx: 0x01,
  st: 0x02,
  stx: 0x03,
  alu: 0x04,
  jmp: 0x05,
  jmp32: 0x06,
  alu64: 0x07,
} as const

/** The second operand: the immediate, or the source register. */
export const SOURCE = { k: 0x00, x: 0x08 } as const

/** RFC 9669 section 4.1. Signed division and modulo are `div`/`mod` with offset 1, sign-extending moves `mov` with offset 8, 16 or 32. */
export const ALU = {
  add: 0x00,
  sub: 0x10,
  mul: 0x20,
  div: 0x30,
  or: 0x40,
  and: 0x50,
  lsh: 0x60,
  rsh: 0x70,
  neg: 0x80,
  mod: 0x90,
  xor: 0xa0,
  mov: 0xb0,
  arsh: 0xc0,
  /** Byte swap: class alu converts to little (source k) or big (source x) endian, class alu64 always swaps. */
  end: 0xd0,
} as const

/** RFC 9669 section 4.3. */
export const JMP = {
  ja: 0x00,
  jeq: 0x10,
  jgt: 0x20,
  jge: 0x30,
  jset: 0x40,
  jne: 0x50,
  jsgt: 0x60,
  jsge: 0x70,
  call: 0x80,
  exit: 0x90,
  jlt: 0xa0,
  jle: 0xb0,
  jslt: 0xc0,
  jsle: 0xd0,
} as const

export const SIZE = { w: 0x00, h: 0x08, b: 0x10, dw: 0x18 } as const

/** `abs` and `ind` are the legacy packet access of RFC 9669 section 5.5. */
export const MODE = { imm: 0x00, abs: 0x20, ind: 0x40, mem: 0x60, memsx: 0x80, atomic: 0xc0 } as const

/** RFC 9669 section 5.3: the operation is in the immediate; `fetch` is a flag on the first four. */
export const ATOMIC = { add: 0x00, or: 0x40, and: 0x50, xor: 0xa0, fetch: 0x01, xchg: 0xe1, cmpxchg: 0xf1 } as const

/** The same place says that an access is in order with others (Linux 6.15): a load by `dst = [src]`, a store by `[dst] = src`. */
export const ORDERED = { loadAcquire: 0x100, storeRelease: 0x110 } as const

/** Load of a 64-bit immediate, the one instruction of two slots. */
export const LDDW = CLASS.ld | MODE.imm | SIZE.dw

/** The source register of `lddw`: what its immediate stands for (linux/bpf.h, BPF_PSEUDO_*). */
export const PSEUDO = { mapFd: 1, mapValue: 2 } as const

/** The source register of a call: a helper by number, or a function of the same program by distance. */
export const CALL = { helper: 0, local: 1 } as const

/** A call of the helper whose number is in the destination register. The kernel takes none; assemblers and other machines know it. */
export const CALLX = CLASS.jmp | SOURCE.x | JMP.call

/**
 * Jumps when a budget of rounds is used up, which the program's frame has (linux/bpf.h, BPF_JCOND and BPF_MAY_GOTO; Linux 6.9). All
 * fields but the offset are 0. The verifier walks the loop that begins with it until nothing changes, instead of round by round.
 */
export const MAY_GOTO = CLASS.jmp | 0xe0

export const SIZE_OF_BYTES = { 1: SIZE.b, 2: SIZE.h, 4: SIZE.w, 8: SIZE.dw } as const

/** How many bytes an opcode of a load or store class moves. */
export function bytesOf(opcode: number): 1 | 2 | 4 | 8 {
  const size = opcode & 0x18
  return size === SIZE.b ? 1 : size === SIZE.h ? 2 : size === SIZE.w ? 4 : 8
}

export const classOf = (opcode: number): number => opcode & 0x07

/** Helper functions by their number (linux/bpf.h, ___BPF_FUNC_MAPPER). */
export const HELPER = {
  map_lookup_elem: 1,
  map_update_elem: 2,
  map_delete_elem: 3,
  ktime_get_ns: 5,
  get_prandom_u32: 7,
  get_smp_processor_id: 8,
  l4_csum_replace: 11,
  tail_call: 12,
  clone_redirect: 13,
  skb_vlan_push: 18,
  skb_vlan_pop: 19,
  redirect: 23,
  skb_load_bytes: 26,
  skb_change_tail: 38,
  skb_pull_data: 39,
  csum_update: 40,
  skb_change_head: 43,
  xdp_adjust_head: 44,
  skb_adjust_room: 50,
  xdp_adjust_tail: 65,
  redirect_map: 51,
  map_push_elem: 87,
  map_pop_elem: 88,
  map_peek_elem: 89,
  spin_lock: 93,
  spin_unlock: 94,
  ringbuf_output: 130,
  ringbuf_reserve: 131,
  ringbuf_submit: 132,
  redirect_peer: 155,
  xdp_load_bytes: 189,
} as const

export type HelperName = keyof typeof HELPER

const HELPER_NAMES = new Map(Object.entries(HELPER).map(([name, number]) => [number as number, name]))
export const helperName = (number: number): string => HELPER_NAMES.get(number) ?? `helper_${number}`

/**
 * Flags of l4_csum_replace (linux/bpf.h, BPF_F_*): what changed is in the pseudo-header; a checksum of 0 is none, and one that
 * comes to 0 is 0xffff; what changed is an IPv6 address, which no other checksum makes up for (Linux 6.16).
 */
export const CSUM = { pseudo: 0x10, mangled0: 0x20, ipv6: 0x80 } as const

/** linux/bpf.h, enum bpf_map_type. */
export const MAP_TYPE = {
  hash: 1,
  array: 2,
  prog_array: 3,
  percpu_hash: 5,
  percpu_array: 6,
  lru_hash: 9,
  lru_percpu_hash: 10,
  lpm_trie: 11,
  array_of_maps: 12,
  devmap: 14,
  queue: 22,
  stack: 23,
  ringbuf: 27,
  bloom_filter: 30,
} as const

/** linux/bpf.h, BPF_F_NO_PREALLOC: entries of such maps are allocated one by one, and the kernel wants to be told so. */
export const MAP_FLAGS: Readonly<Partial<Record<keyof typeof MAP_TYPE, number>>> = { lpm_trie: 1 }

/** Flags of an update (linux/bpf.h): whatever is there, only a new key, only one that is there. */
export const UPDATE = { any: 0, noExist: 1, exist: 2 } as const

/** With a lookup or an update: of a value with a lock, while holding it (linux/bpf.h, BPF_F_LOCK). */
export const F_LOCK = 4

/** `bpf_redirect` and friends are free, but kfuncs and some helpers ask for a license compatible with the GPL. */
export const LICENSE = 'Dual BSD/GPL'

/** What a program at the TC hook returns (linux/pkt_cls.h; TCX uses the same numbers). */
export const TC_ACT = { ok: 0, shot: 2, redirect: 7, next: 0xffffffff } as const

/** What a program at the XDP hook returns (linux/bpf.h, enum xdp_action). */
export const XDP_ACTION = { aborted: 0, drop: 1, pass: 2, tx: 3, redirect: 4 } as const

/** Of `bpf_redirect` and `bpf_clone_redirect`: to where packets arrive at the interface (BPF_F_INGRESS). */
export const REDIRECT_INGRESS = 1

/** Of `bpf_redirect_map` with a devmap: to all its interfaces (Linux 5.13), and among them not to the one it came by. */
export const REDIRECT = { broadcast: 8, excludeIngress: 16 } as const

/** Byte offsets in `struct __sk_buff` (linux/bpf.h): the context of a TC program. */
export const SK_BUFF = {
  len: 0,
  pkt_type: 4,
  mark: 8,
  queue_mapping: 12,
  protocol: 16,
  vlan_present: 20,
  vlan_tci: 24,
  vlan_proto: 28,
  priority: 32,
  ingress_ifindex: 36,
  ifindex: 40,
  tc_index: 44,
  cb: 48,
  hash: 68,
  tc_classid: 72,
  data: 76,
  data_end: 80,
  data_meta: 140,
  gso_size: 176,
} as const

/** Modes and flags of bpf_skb_adjust_room (linux/bpf.h, BPF_ADJ_ROOM_*). */
export const ADJ_ROOM = {
  net: 0,
  mac: 1,
  fixedGso: 1 << 0,
  encapL3IPv4: 1 << 1,
  encapL3IPv6: 1 << 2,
  encapL4Gre: 1 << 3,
  encapL4Udp: 1 << 4,
  noChecksumReset: 1 << 5,
  /** With the length of the inner link layer's header in the bits from {@link encapL2Shift} on. Linux 5.13. */
  encapL2Ethernet: 1 << 6,
  /** Linux 6.3. */
  decapL3IPv4: 1 << 7,
  decapL3IPv6: 1 << 8,
  encapL2Shift: 56,
} as const

/** Byte offsets in `struct xdp_md` (linux/bpf.h): the context of an XDP program. */
export const XDP_MD = { data: 0, data_end: 4, data_meta: 8, ingress_ifindex: 12, rx_queue_index: 16 } as const

/** The kernel's limits on a program (linux/filter.h, linux/bpf.h, kernel/bpf/verifier.c). */
export const LIMIT = { stack: 512, tailCalls: 33, callDepth: 8, processed: 1_000_000 } as const
