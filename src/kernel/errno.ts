import { type Refusal, refusal } from '../base/diagnostic.ts'
import { missingCapabilities } from './capabilities.ts'

/** include/uapi/asm-generic/errno{,-base}.h; the same numbers on x86_64 and aarch64. 524 is the kernel's own. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOSPC: 28,
  EROFS: 30,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ELOOP: 40,
  ENOLINK: 67,
  EMSGSIZE: 90,
  EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENOBUFS: 105,
  ECANCELED: 125,
  ENOTSUPP: 524,
} as const

export type ErrnoName = keyof typeof ERRNO

const NAMES = new Map(Object.entries(ERRNO).map(([name, number]) => [number as number, name]))

/** `EBUSY`, or the number where it has no name here. Takes either sign. */
export const errnoName = (errno: number): string => NAMES.get(Math.abs(errno)) ?? `errno ${Math.abs(errno)}`

const MEANING: Partial<Record<string, string>> = {
  EPERM: 'not permitted',
  ENOENT: 'no such thing',
  EIO: 'input/output error',
  E2BIG: 'too big',
  EBADF: 'the handle is closed',
  EAGAIN: 'try again',
  ENOMEM: 'out of memory',
  EACCES: 'access denied',
  EFAULT: 'bad address',
  EBUSY: 'in use',
  EEXIST: 'already there',
  ENODEV: 'no such interface',
  ENOTDIR: 'not a folder',
  EISDIR: 'is a folder',
  EINVAL: 'invalid argument',
  ENFILE: 'too many open files in the system',
  EMFILE: 'too many open files',
  ENOSPC: 'no space left',
  EROFS: 'read-only file system',
  ERANGE: 'out of range',
  ENAMETOOLONG: 'name too long',
  ENOSYS: 'no such system call',
  ENOTEMPTY: 'not empty',
  ENOLINK: 'the link is severed',
  EMSGSIZE: 'message too long',
  EOPNOTSUPP: 'not supported',
  EAFNOSUPPORT: 'address family not supported',
  EADDRNOTAVAIL: 'no such address',
  ENETDOWN: 'the interface is down',
  ENOBUFS: 'no buffer space',
  ENOTSUPP: 'not supported',
}

export type Operation =
  | 'map'
  | 'entry'
  | 'program'
  | 'run'
  | 'attach'
  | 'pin'
  | 'mount'
  | 'namespace'
  | 'link'
  | 'address'
  | 'route'
  | 'qdisc'
  | 'filter'
  | 'socket'
  | 'lock'
  | 'record'

type Remedies = Partial<Record<ErrnoName, string>>

/** What to do, whatever was tried. EPERM is not here: what to do depends on which capability is missing. */
const GENERAL: Remedies = {
  ENOMEM: 'free some memory, or raise the memory limit of this control group',
  ENOSYS: 'this kernel is built without it (CONFIG_BPF_SYSCALL); try --machine vm',
  EMFILE: 'raise the limit on open files (ulimit -n)',
  ENFILE: 'raise fs.file-max',
  ENODEV: 'the interface is gone, or in another network namespace: see `ip link`',
  EROFS: 'the file system is mounted read-only',
  EBADF: 'it was disposed before: a bug of whoever calls this',
}

/** What to do about an operation's own errors; the reason is the kernel's at the place that returns the errno. */
const REMEDIES: Readonly<Record<Operation, Remedies>> = {
  map: {
    // map_alloc checks sizes against KMALLOC_MAX_SIZE and 2^32 bytes in all.
    E2BIG: 'ask for fewer entries, or smaller keys and values',
    EINVAL: 'this kernel does not know the kind of map, or its sizes; per-CPU values may have 32768 bytes at most',
    ENOSPC: 'no map ids are left: close or unpin some maps',
  },
  entry: {
    E2BIG: 'the map is full, or the index is past the end of the array: declare more entries',
    ENOMEM: 'the map is full or the kernel is out of memory',
    ENOSPC: 'the map is full: declare more entries',
    EINVAL: 'entries of an array cannot be deleted, write zeros instead; a prefix is no longer than its key',
  },
  program: {
    E2BIG: 'the program passes the limit of one million instructions verified; fewer cubes in one graph would fit',
    EINVAL: 'the kernel may be too old for an instruction or a helper of this program',
    EAGAIN: 'a signal kept interrupting the verifier: try again',
  },
  run: {
    EINVAL: 'a frame has at least the 14 bytes of an Ethernet header, and fits a page on kernels before 6.18',
    EOPNOTSUPP: 'this kernel cannot run programs of this type on demand',
  },
  attach: {
    EBUSY: 'another program holds this hook: see `bpftool net`',
    EEXIST: 'another program holds this hook: see `bpftool net`',
    EINVAL: 'this kernel may not have TCX links (Linux 6.6); --attach clsact does without',
    ERANGE:
      'the interface has the most programs it can take (64, see `bpftool net`); or its MTU is too large for native XDP, and attach: xdp generic does without',
    EOPNOTSUPP: 'the driver of the interface does not take programs at this hook: attach: xdp generic does without',
    ENOLINK: 'the interface is gone; attach again when it is back',
  },
  pin: {
    EEXIST: 'something is pinned there already: unpin it first',
    ENOENT: 'nothing is pinned there',
    EINVAL: '/sys/fs/bpf is not a BPF file system',
    ENOSPC: 'the BPF file system is full',
    EACCES: 'the pin belongs to somebody else, or is of another kind',
  },
  mount: {
    ENODEV: 'this kernel is built without the BPF file system (CONFIG_BPF_SYSCALL)',
    ENOENT: 'the folder to mount on is missing: is /sys mounted?',
    EBUSY: 'something in it is still open',
  },
  namespace: {
    EEXIST: 'choose another name, or remove it with `ip netns del`',
    ENOENT: 'make it first with `ip netns add`',
    EINVAL: 'it is not a network namespace; see `ip netns list`',
    ENOSPC: 'raise user.max_net_namespaces',
  },
  link: {
    EEXIST: 'an interface of this name is there already',
    EOPNOTSUPP: 'this kernel does not know this kind of interface (the module may be missing)',
    ERANGE: 'interface names have 15 characters at most',
  },
  address: {
    EEXIST: 'the interface has this address already',
    EACCES: 'IPv6 is off on this interface (disable_ipv6)',
    EADDRNOTAVAIL: 'the interface does not have this address',
  },
  route: { EEXIST: 'there is such a route already' },
  qdisc: {
    EEXIST: 'the interface has an ingress qdisc already',
    ENOENT: 'this kernel does not know the qdisc (CONFIG_NET_SCH_INGRESS)',
    EINVAL: 'the interface has no such qdisc',
  },
  filter: {
    EEXIST: 'there is a filter of this priority and handle already',
    ENOENT: 'there is no such filter, or this kernel has no BPF classifier (CONFIG_NET_CLS_BPF)',
    EINVAL: 'the interface has no clsact qdisc',
  },
  socket: {
    ENETDOWN: 'set the interface up first',
    EMSGSIZE: 'the frame is longer than the interface takes: raise its MTU',
    EAFNOSUPPORT: 'this kernel is built without packet sockets (CONFIG_PACKET)',
  },
  lock: { EACCES: 'run with sudo' },
  record: { EACCES: 'run with sudo', ENOSPC: 'free some space there, and run the command again' },
}

const NEEDS_ADMIN: ReadonlySet<Operation> = new Set(['mount', 'namespace'])

function permissionRemedy(operation: Operation): string {
  const needed = NEEDS_ADMIN.has(operation)
    ? (['CAP_SYS_ADMIN'] as const)
    : operation === 'socket'
      ? (['CAP_NET_RAW'] as const)
      : (['CAP_BPF', 'CAP_NET_ADMIN'] as const)
  const missing = missingCapabilities(needed)
  // With every capability in hand it is a policy: a container's seccomp filter, a user namespace, or lockdown.
  return missing.length === 0
    ? 'the capabilities are there, so a policy forbids it (a container, lockdown, seccomp); try --machine vm'
    : `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing: run with sudo, or try --machine vm`
}

/**
 * The refusal for an errno of either sign: `cannot attach to "eth1": EBUSY (in use): the kernel's words`, and what to do.
 * `what` continues the words "cannot".
 */
export function failure(operation: Operation, what: string, errno: number, detail = ''): Refusal {
  const name = errnoName(errno)
  const meaning = MEANING[name]
  const denied = name === 'EPERM' || (name === 'EACCES' && REMEDIES[operation].EACCES === undefined)
  const remedies: Partial<Record<string, string>> = { ...GENERAL, ...REMEDIES[operation] }
  return refusal(
    [`cannot ${what}: ${name}${meaning === undefined ? '' : ` (${meaning})`}`, ...(detail === '' ? [] : [detail])].join(
      ': ',
    ),
    denied ? permissionRemedy(operation) : remedies[name],
  )
}

/** `result`, or the refusal where it is minus an errno. */
export function check(result: number, operation: Operation, what: string): number {
  if (result < 0) throw failure(operation, what, result)
  return result
}

/** The same for errors of node:fs, which carry the errno's name. */
export function fileFailure(operation: Operation, what: string, error: unknown): Refusal {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  const errno = Object.entries(ERRNO).find(([name]) => name === code)?.[1]
  if (errno === undefined) return refusal(`cannot ${what}: ${String(error)}`, undefined, undefined, error)
  return failure(operation, what, errno)
}

/** Whether an error of node:fs has this errno. */
export const hasCode = (error: unknown, ...codes: readonly ErrnoName[]): boolean =>
  error instanceof Error && 'code' in error && codes.some((code) => code === error.code)
