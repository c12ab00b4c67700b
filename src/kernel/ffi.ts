import { createRequire } from 'node:module'
import { refusal } from '../base/diagnostic.ts'

/**
 * The calls into libc that Node has no words for. This is the only file that knows the FFI, and it loads it at the
 * first call, so that importing the kernel machine works on every system.
 *
 * Every function returns what the kernel itself would: a result of zero or more, or minus an errno.
 */

/** What a file descriptor is watched for. */
const READABLE = { readable: true } as const

interface Calls {
  syscall(number: number, command: number, attr: Uint8Array | null, size: number): number
  renameat2(number: number, from: number, old: string, to: number, fresh: string, flags: number): number
  socket(domain: number, type: number, protocol: number): number
  bind(fd: number, address: Uint8Array, length: number): number
  connect(fd: number, address: Uint8Array, length: number): number
  send(fd: number, bytes: Uint8Array, length: number, flags: number): number
  sendmmsg(fd: number, messages: Uint8Array, count: number, flags: number): number
  recv(fd: number, bytes: Uint8Array, length: number, flags: number): number
  recvmsg(fd: number, message: Uint8Array, flags: number): number
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, length: Uint8Array): number
  poll(fds: Uint8Array, count: number, timeout: number): number
  setns(fd: number, type: number): number
  unshare(flags: number): number
  mount(source: string, target: string, type: string | null, flags: number, data: null): number
  umount2(target: string, flags: number): number
  flock(fd: number, operation: number): number
  fcntl(fd: number, command: number, argument: Uint8Array): number
  close(fd: number): number
  waitpid(process: number, status: null, options: number): number
  mmap(at: null, length: number, protection: number, flags: number, fd: number, offset: number): bigint
  munmap(at: bigint, length: number): number
  sysconf(name: number): number
  view(at: bigint, length: number): ArrayBuffer
  pollReadable(fd: number, ready: () => void): import('koffi').node.PollHandle
  address(bytes: Uint8Array): bigint
  errno(): number
}

const PROTOTYPES = {
  // Declared with fixed arguments: for integers and pointers the variadic call is the same one on both architectures.
  syscall: 'long syscall(long, long, void *, unsigned long)',
  // By its number: not every C library has it under its name.
  renameat2: 'long syscall(long, long, const char *, long, const char *, unsigned long)',
  socket: 'int socket(int, int, int)',
  bind: 'int bind(int, void *, uint32_t)',
  connect: 'int connect(int, void *, uint32_t)',
  send: 'long send(int, void *, size_t, int)',
  sendmmsg: 'int sendmmsg(int, void *, unsigned int, int)',
  recv: 'long recv(int, void *, size_t, int)',
  recvmsg: 'long recvmsg(int, void *, int)',
  setsockopt: 'int setsockopt(int, int, int, void *, uint32_t)',
  getsockopt: 'int getsockopt(int, int, int, void *, void *)',
  poll: 'int poll(void *, unsigned long, int)',
  setns: 'int setns(int, int)',
  unshare: 'int unshare(int)',
  mount: 'int mount(const char *, const char *, const char *, unsigned long, void *)',
  umount2: 'int umount2(const char *, int)',
  flock: 'int flock(int, int)',
  fcntl: 'int fcntl(int, int, void *)',
  close: 'int close(int)',
  waitpid: 'int waitpid(int, void *, int)',
  mmap: 'void *mmap(void *, size_t, int, int, int, int64_t)',
  munmap: 'int munmap(void *, size_t)',
  sysconf: 'long sysconf(int)',
} as const

/** The number of bpf(2): arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h. */
const BPF_SYSCALL: Readonly<Record<string, number>> = { x64: 321, arm64: 280 }

/** Whether this build of Node can reach the kernel machine at all; a reason where it cannot. */
export function unreachable(): string | undefined {
  if (process.platform !== 'linux') return `eBPF is part of Linux, and this is ${process.platform}`
  if (BPF_SYSCALL[process.arch] === undefined) return `the kernel machine knows x86_64 and aarch64, not ${process.arch}`
  return undefined
}

let calls: Calls | undefined

function c(): Calls {
  if (calls !== undefined) return calls
  const reason = unreachable()
  if (reason !== undefined) throw refusal(`the kernel machine cannot run here: ${reason}`, 'try --machine vm')
  const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi')
  const library = koffi.load(null)
  const functions = Object.entries(PROTOTYPES).map(([name, prototype]) => [name, library.func(prototype)])
  const { address, errno, view } = koffi
  const pollReadable: Calls['pollReadable'] = (fd, ready) => koffi.node.poll(fd, READABLE, ready)
  calls = { ...Object.fromEntries(functions), address, errno, view, pollReadable } as Calls
  return calls
}

/** The number of membarrier(2), and MEMBARRIER_CMD_GLOBAL (linux/membarrier.h). */
const MEMBARRIER: Readonly<Record<string, number>> = { x64: 324, arm64: 283 }
const GLOBAL = 1

const libraries = new Map<string, object | undefined>()

/** Functions of the first of these shared libraries that is installed, by their names; undefined where none is. */
export function library<T extends object>(
  names: readonly string[],
  prototypes: Readonly<Record<keyof T & string, string>>,
): T | undefined {
  const [key = ''] = names
  if (!libraries.has(key)) libraries.set(key, loadLibrary(names, prototypes))
  return libraries.get(key) as T | undefined
}

function loadLibrary(
  names: readonly string[],
  prototypes: Readonly<Record<string, string>>,
): Readonly<Record<string, unknown>> | undefined {
  const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi')
  for (const name of names) {
    let found: ReturnType<typeof koffi.load>
    try {
      found = koffi.load(name)
    } catch {
      continue
    }
    return Object.fromEntries(Object.entries(prototypes).map(([one, prototype]) => [one, found.func(prototype)]))
  }
  return undefined
}

/** A copy of memory that a library gave. */
export const bytesAt = (at: bigint, length: number): Uint8Array => new Uint8Array(c().view(at, length).slice(0))

/** That of {@link bpf}. */
export const SYSTEM_CALL = BPF_SYSCALL[process.arch] ?? -1

const orErrno = (result: number): number => (result === -1 ? -c().errno() : result)

export const bpf = (command: number, attr: Uint8Array): number =>
  orErrno(c().syscall(SYSTEM_CALL, command, attr, attr.length))

/** Returns when all that the kernel was doing under its read locks is done: synchronize_rcu() (kernel/sched/membarrier.c). */
export const awaitReaders = (): number => orErrno(c().syscall(MEMBARRIER[process.arch] ?? -1, GLOBAL, null, 0))

/** The number of renameat2(2), and what it takes (linux/fcntl.h, linux/fs.h). */
const RENAME: Readonly<Record<string, number>> = { x64: 316, arm64: 276 }
const AT_FDCWD = -100
const RENAME_EXCHANGE = 2

/** Each of two files has the other's name, from one moment to the next. Linux 3.15, and not every file system. */
export const exchangeFiles = (one: string, other: string): number =>
  orErrno(c().renameat2(RENAME[process.arch] ?? -1, AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE))

export const socket = (domain: number, type: number, protocol: number): number =>
  orErrno(c().socket(domain, type, protocol))

export const bind = (fd: number, address: Uint8Array): number => orErrno(c().bind(fd, address, address.length))

export const connect = (fd: number, address: Uint8Array): number => orErrno(c().connect(fd, address, address.length))

export const send = (fd: number, bytes: Uint8Array): number => orErrno(c().send(fd, bytes, bytes.length, 0))

/** `messages` are `count` of `struct mmsghdr`. Says how many were sent, before the first that could not be. */
export const sendMessages = (fd: number, messages: Uint8Array, count: number): number =>
  orErrno(c().sendmmsg(fd, messages, count, 0))

export const receive = (fd: number, bytes: Uint8Array): number => orErrno(c().recv(fd, bytes, bytes.length, 0))

/** `message` is a `struct msghdr`. */
export const receiveMessage = (fd: number, message: Uint8Array): number => orErrno(c().recvmsg(fd, message, 0))

export const setOption = (fd: number, level: number, name: number, value: Uint8Array): number =>
  orErrno(c().setsockopt(fd, level, name, value, value.length))

/** `length` has the bytes of `value` before, and of what was written there afterwards, as a 32-bit number of the host. */
export const getOption = (fd: number, level: number, name: number, value: Uint8Array, length: Uint8Array): number =>
  orErrno(c().getsockopt(fd, level, name, value, length))

/** `fds` is an array of `struct pollfd`, 8 bytes each. */
export const poll = (fds: Uint8Array, milliseconds: number): number =>
  orErrno(c().poll(fds, fds.length / 8, milliseconds))

/** Moves the calling thread, which is the only one that runs JavaScript of the main program. */
export const setns = (fd: number, type: number): number => orErrno(c().setns(fd, type))

export const unshare = (flags: number): number => orErrno(c().unshare(flags))

export const mount = (source: string, target: string, type: string | null, flags: number): number =>
  orErrno(c().mount(source, target, type, flags, null))

export const umount = (target: string, flags: number): number => orErrno(c().umount2(target, flags))

export const flock = (fd: number, operation: number): number => orErrno(c().flock(fd, operation))

/** The commands with a structure. */
export const control = (fd: number, command: number, argument: Uint8Array): number =>
  orErrno(c().fcntl(fd, command, argument))

/** Of a child of this process. */
export const wait = (process: number, options: number): number => orErrno(c().waitpid(process, null, options))

export const close = (fd: number): number => orErrno(c().close(fd))

/** Where the bytes lie. Good for as long as somebody holds `bytes`: the kernel does not. */
export const addressOf = (bytes: Uint8Array): bigint => c().address(bytes)

/** sys/mman.h */
export const PROTECTION = { read: 1, write: 2 } as const
const MAP_SHARED = 1
const MAP_FAILED = 2n ** 64n - 1n
/** _SC_PAGESIZE (bits/confname.h) */
const SC_PAGESIZE = 30

export const pageSize = (): number => c().sysconf(SC_PAGESIZE)

/** Memory of the kernel's. Whoever touches its bytes after disposing ends the process, so they are never handed out. */
export interface Mapping extends Disposable {
  readonly bytes: ArrayBuffer
}

/** Where memory of the kernel's is. */
export interface Mapped {
  readonly at: bigint
  readonly length: number
}

/** Of this thread. */
const mappings = new Set<Mapped>()

export const mapped = (): Mapped[] => [...mappings]
export const unmap = ({ at, length }: Mapped): void => void c().munmap(at, length)

export function map(fd: number, length: number, protection: number, offset: number): Mapping | number {
  const at = c().mmap(null, length, protection, MAP_SHARED, fd, offset)
  if (at === MAP_FAILED) return -c().errno()
  const mapped = { at, length }
  mappings.add(mapped)
  return {
    bytes: c().view(at, length),
    [Symbol.dispose]: () => {
      if (mappings.delete(mapped)) unmap(mapped)
    },
  }
}

/**
 * Calls `ready` in the event loop, again and again, while there is something to read, and keeps the process alive. Never from
 * within the FFI: a thread that hangs in a callback of native code cannot be ended without the process.
 */
export function whenReadable(fd: number, ready: () => void): Disposable {
  let closed = false
  const told = () => {
    handle.stop()
    setImmediate(() => {
      if (closed) return
      ready()
      if (!closed) handle.start(READABLE, told)
    })
  }
  const handle = c().pollReadable(fd, told)
  return {
    [Symbol.dispose]: () => {
      if (!closed) handle.close()
      closed = true
    },
  }
}
