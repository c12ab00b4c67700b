import { cString, viewOf } from '../base/bytes.ts'
import { LICENSE } from '../isa/opcodes.ts'
import type { Begun, Beside } from './beside.ts'
import { ERRNO } from './errno.ts'
import { addressOf, bpf } from './ffi.ts'

/**
 * bpf(2): one function a command, each packing its part of `union bpf_attr` (linux/bpf.h) at the offsets written here.
 * Results are the kernel's: a handle or zero, or minus an errno. What to say about an errno is the caller's business.
 */

const COMMAND = {
  map_create: 0,
  map_lookup_elem: 1,
  map_update_elem: 2,
  map_delete_elem: 3,
  map_get_next_key: 4,
  prog_load: 5,
  obj_pin: 6,
  obj_get: 7,
  prog_test_run: 10,
  prog_get_fd_by_id: 13,
  map_get_fd_by_id: 14,
  obj_get_info_by_fd: 15,
  prog_query: 16,
  btf_load: 18,
  map_lookup_and_delete_elem: 21,
  map_lookup_batch: 24,
  link_create: 28,
  link_update: 29,
  link_detach: 34,
} as const

export const PROG_TYPE = { tc: 3, xdp: 6 } as const
export const ATTACH_TYPE = { xdp: 37, tcx_ingress: 46, tcx_egress: 47 } as const
export const LINK_TYPE = { xdp: 6, tcx: 11 } as const

/** `union bpf_attr` being filled in. It holds the buffers whose addresses it contains until {@link Attr.call} returns. */
export class Attr {
  readonly view: DataView
  readonly #bytes: Uint8Array
  readonly #held: Uint8Array[] = []

  constructor(size: number) {
    this.#bytes = new Uint8Array(size)
    this.view = viewOf(this.#bytes)
  }

  u32(offset: number, value: number): this {
    this.view.setUint32(offset, value, true)
    return this
  }

  u64(offset: number, value: bigint): this {
    this.view.setBigUint64(offset, value, true)
    return this
  }

  pointer(offset: number, to: Uint8Array | undefined): this {
    if (to === undefined) return this
    this.#held.push(to)
    return this.u64(offset, to.length === 0 ? 0n : addressOf(to))
  }

  bytes(offset: number, from: Uint8Array): this {
    this.#bytes.set(from, offset)
    return this
  }

  /** May be called again: the kernel only writes where a command says so. */
  call(command: number): number {
    const result = bpf(command, this.#bytes)
    // Reading the list after the call keeps what it holds from being collected during the call.
    return this.#held.length >= 0 ? result : 0
  }

  /** The same by another thread, if it has room. */
  begin(command: number, beside: Beside): Begun | undefined {
    return beside.begin({ command, attr: this.#bytes, holder: this })
  }
}

/** Object names: at most 15 characters of these (kernel/bpf/syscall.c, bpf_obj_name_cpy); others become `_`. */
export const objectName = (name: string): string => name.replace(/[^A-Za-z0-9_.]/g, '_').slice(0, 15)

const nameBytes = (name: string): Uint8Array => cString(objectName(name))

export interface BtfReference {
  readonly fd: number
  readonly key: number
  readonly value: number
}

export interface MapShape {
  readonly type: number
  readonly keySize: number
  readonly valueSize: number
  readonly entries: number
}

/** `inner` is of a map like those that can be in this one, which is a map of maps. */
export function createMap(name: string, shape: MapShape, btf?: BtfReference, flags = 0, inner = 0): number {
  const attr = new Attr(72).u32(0, shape.type).u32(4, shape.keySize).u32(8, shape.valueSize).u32(12, shape.entries)
  attr.u32(16, flags).u32(20, inner).bytes(28, nameBytes(name))
  if (btf !== undefined) attr.u32(48, btf.fd).u32(52, btf.key).u32(56, btf.value)
  return attr.call(COMMAND.map_create)
}

/**
 * The per-entry commands of one map, on two buffers that live as long as it does: a lookup is then one system call and
 * no allocation. `nextKey` without a key asks for the first one.
 */
export class MapEntries {
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly #attr: Attr
  readonly #keyOnly: Attr
  readonly #next: Attr
  readonly #first: Attr

  constructor(fd: number, keySize: number, valueSize: number) {
    this.key = new Uint8Array(keySize)
    this.value = new Uint8Array(valueSize)
    this.#attr = new Attr(32).u32(0, fd).pointer(8, this.key).pointer(16, this.value)
    // A command refuses attributes behind the last one it knows (CHECK_ATTR), so deleting has one without a value.
    this.#keyOnly = new Attr(16).u32(0, fd).pointer(8, this.key)
    this.#next = new Attr(24).u32(0, fd).pointer(8, this.key).pointer(16, this.key)
    this.#first = new Attr(24).u32(0, fd).pointer(16, this.key)
  }

  lookup = (flags = 0): number => this.#attr.u32(24, flags).call(COMMAND.map_lookup_elem)
  /** Linux 4.20, of queues and stacks. */
  take = (): number => this.#attr.u32(24, 0).call(COMMAND.map_lookup_and_delete_elem)
  update = (flags = 0): number => this.#attr.u32(24, flags).call(COMMAND.map_update_elem)
  delete = (): number => this.#keyOnly.call(COMMAND.map_delete_elem)
  /** Replaces {@link key} by the first one, or by the one after it. */
  firstKey = (): number => this.#first.call(COMMAND.map_get_next_key)
  nextKey = (): number => this.#next.call(COMMAND.map_get_next_key)
}

export interface Batch {
  /** 0 where more may follow, -ENOENT after the last, or another error. */
  readonly result: number
  readonly count: number
}

/** Linux 5.6. `cursor` is where the previous call ended; the first call has none. At least as long as a key, and 4 bytes. */
export function lookupBatch(
  fd: number,
  from: Uint8Array | undefined,
  next: Uint8Array,
  keys: Uint8Array,
  values: Uint8Array,
  count: number,
  flags = 0,
): Batch {
  const attr = new Attr(56).pointer(0, from).pointer(8, next).pointer(16, keys).pointer(24, values)
  const result = attr.u32(32, count).u32(36, fd).u32(40, flags).call(COMMAND.map_lookup_batch)
  return { result, count: result === 0 || result === -ERRNO.ENOENT ? attr.view.getUint32(32, true) : 0 }
}

export interface ProgramLoad {
  readonly type: number
  readonly name: string
  /** Encoded, 8 bytes a slot. */
  readonly instructions: Uint8Array
  readonly btf?: { readonly fd: number; readonly funcInfo: Uint8Array; readonly lineInfo: Uint8Array } | undefined
  readonly log?: { readonly level: number; readonly buffer: Uint8Array } | undefined
}

/** `struct bpf_func_info` and `struct bpf_line_info` (linux/bpf.h). */
const FUNC_INFO_SIZE = 8
const LINE_INFO_SIZE = 16

export const loadProgram = (load: ProgramLoad): number => beginLoad(load).result()

/** Perhaps by another thread, from now on; else when the result is asked for. */
export function beginLoad(load: ProgramLoad, beside?: Beside): Begun {
  const attr = new Attr(144)
    .u32(0, load.type)
    .u32(4, load.instructions.length / 8)
    .pointer(8, load.instructions)
    .pointer(16, cString(LICENSE))
    .bytes(48, nameBytes(load.name))
  if (load.log !== undefined) attr.u32(24, load.log.level).u32(28, load.log.buffer.length).pointer(32, load.log.buffer)
  if (load.btf !== undefined) {
    const { fd, funcInfo, lineInfo } = load.btf
    attr.u32(72, fd)
    attr
      .u32(76, FUNC_INFO_SIZE)
      .pointer(80, funcInfo)
      .u32(88, funcInfo.length / FUNC_INFO_SIZE)
    attr
      .u32(92, LINE_INFO_SIZE)
      .pointer(96, lineInfo)
      .u32(104, lineInfo.length / LINE_INFO_SIZE)
  }
  const begun = beside && attr.begin(COMMAND.prog_load, beside)
  return {
    result: () => interruptible(() => attr.call(COMMAND.prog_load), begun?.result()),
    cancel: () => begun?.cancel() ?? -ERRNO.ECANCELED,
  }
}

/** The verifier stops with EAGAIN, and a test run with EINTR, when a signal waits. Five times is libbpf's patience. */
function interruptible(call: () => number, first = call()): number {
  let result = first
  for (let i = 0; i < 5 && (result === -ERRNO.EAGAIN || result === -ERRNO.EINTR); i++) result = call()
  return result
}

export const loadBtf = (btf: Uint8Array): number =>
  new Attr(28).pointer(0, btf).u32(16, btf.length).call(COMMAND.btf_load)

export const pinObject = (path: string, fd: number): number =>
  new Attr(16).pointer(0, cString(path)).u32(8, fd).call(COMMAND.obj_pin)

export const getObject = (path: string): number => new Attr(16).pointer(0, cString(path)).call(COMMAND.obj_get)

export interface TestRun {
  readonly result: number
  readonly verdict: number
  /** How long the packet became, also where `output` was too short for it (-ENOSPC). */
  readonly length: number
}

/** Runs a program on a packet `repeat` times; each run sees what the one before left. */
export function testRun(fd: number, packet: Uint8Array, output: Uint8Array, repeat = 1): TestRun {
  const attr = new Attr(80).u32(0, fd).u32(8, packet.length).u32(12, output.length)
  attr.pointer(16, packet).pointer(24, output).u32(32, repeat)
  const result = interruptible(() => attr.call(COMMAND.prog_test_run))
  return { result, verdict: attr.view.getUint32(4, true), length: attr.view.getUint32(12, true) }
}

/** An error of OBJ_GET_INFO_BY_FD, or the struct's bytes, zeros after what this kernel knows. */
function info(fd: number, size: number): DataView | number {
  const bytes = new Uint8Array(size)
  const result = new Attr(16).u32(0, fd).u32(4, size).pointer(8, bytes).call(COMMAND.obj_get_info_by_fd)
  return result < 0 ? result : viewOf(bytes)
}

/** `struct bpf_map_info` */
export function mapInfo(fd: number): MapShape | number {
  const view = info(fd, 80)
  if (typeof view === 'number') return view
  const at = (offset: number) => view.getUint32(offset, true)
  return { type: at(0), keySize: at(8), valueSize: at(12), entries: at(16) }
}

export interface ProgramInfo {
  /** Instructions that the verifier processed; 0 before Linux 5.16, which does not say. */
  readonly verified: number
  readonly type: number
  readonly id: number
  readonly name: string
}

/** `struct bpf_prog_info` */
export function programInfo(fd: number): ProgramInfo | number {
  const view = info(fd, 224)
  if (typeof view === 'number') return view
  const name = new TextDecoder().decode(new Uint8Array(view.buffer, 64, 16)).replace(/\0.*$/s, '')
  return { type: view.getUint32(0, true), id: view.getUint32(4, true), name, verified: view.getUint32(216, true) }
}

export interface LinkInfo {
  readonly type: number
  readonly id: number
  readonly program: number
  /** Of an XDP or TCX link: 0 after the interface is gone. */
  readonly interface: number
  /** Of a TCX link. */
  readonly attachType: number
}

/**
 * `struct bpf_link_info`: the union starts at 16, and the ifindex is first in both the `xdp` and the `tcx` part, whose second is
 * the attach type.
 */
export function linkInfo(fd: number): LinkInfo | number {
  const view = info(fd, 64)
  if (typeof view === 'number') return view
  const at = (offset: number) => view.getUint32(offset, true)
  return { type: at(0), id: at(4), program: at(8), interface: at(16), attachType: at(20) }
}

export const programById = (id: number): number => new Attr(12).u32(0, id).call(COMMAND.prog_get_fd_by_id)

export const mapById = (id: number): number => new Attr(12).u32(0, id).call(COMMAND.map_get_fd_by_id)

export interface Attached {
  readonly program: number
  /** 0 where the program was attached without a link. */
  readonly link: number
}

/** Programs at a TCX hook, in the order they run. Linux 6.6. */
export function queryAttached(target: number, attachType: number): readonly Attached[] | number {
  // BPF_MPROG_MAX, the most that one hook can hold, is 64 (include/linux/bpf_mprog.h).
  const programs = new Uint8Array(64 * 4)
  const links = new Uint8Array(64 * 4)
  const attr = new Attr(64).u32(0, target).u32(4, attachType).pointer(16, programs).u32(24, 64).pointer(40, links)
  const result = attr.call(COMMAND.prog_query)
  if (result < 0) return result
  const ids = (bytes: Uint8Array, index: number) => viewOf(bytes).getUint32(index * 4, true)
  return Array.from({ length: attr.view.getUint32(24, true) }, (_, i) => ({
    program: ids(programs, i),
    link: ids(links, i),
  }))
}

/** How an XDP program is run (linux/if_link.h, XDP_FLAGS_*). */
export const XDP_MODE = { generic: 2, native: 4 } as const

export const createLink = (program: number, target: number, attachType: number, flags = 0): number =>
  newLink(program, target, attachType, flags).call(COMMAND.link_create)

/** By another thread, from now on; undefined where it has no room. */
export const beginLink = (program: number, target: number, attachType: number, beside: Beside): Begun | undefined =>
  newLink(program, target, attachType, 0).begin(COMMAND.link_create, beside)

const newLink = (program: number, target: number, attachType: number, flags: number): Attr =>
  new Attr(64).u32(0, program).u32(4, target).u32(8, attachType).u32(12, flags)

export const updateLink = (link: number, program: number): number =>
  new Attr(16).u32(0, link).u32(4, program).call(COMMAND.link_update)

export const detachLink = (link: number): number => new Attr(4).u32(0, link).call(COMMAND.link_detach)
