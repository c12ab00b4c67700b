import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { refusal } from '../base/diagnostic.ts'
import { check, ERRNO } from './errno.ts'
import { mount, umount } from './ffi.ts'
import { lockFile } from './lock.ts'
import { SHARED_FOLDER } from './places.ts'

/**
 * The BPF file system, where pins are. Many hosts do not mount it, so it is mounted when the first pin is made, and
 * unmounted with the last one if it was this project that mounted it.
 */
export const BPFFS = '/sys/fs/bpf'

/** linux/magic.h */
const BPF_FS_MAGIC = 0xcafe4a11

/**
 * Exists while a file system that this project mounted is mounted. The device number tells it from those of others, and
 * from that of another mount namespace, such as `ip netns exec` makes, which has the same /run.
 */
const marker = (): string => join(SHARED_FOLDER, `bpffs-mounted-${statSync(BPFFS).dev}`)

export const isMounted = (): boolean => existsSync(BPFFS) && statfsSync(BPFFS).type === BPF_FS_MAGIC

/**
 * A Refusal where pins would not last: in a mount namespace of its own, such as `ip netns exec` makes, /sys is mounted anew
 * without the host's BPF file system, and one mounted there goes with the command.
 */
export function requireLastingMount(): void {
  if (isMounted() || !isPrivate()) return
  throw refusal(
    `what is pinned under ${BPFFS} would not outlive this command: it runs in a mount namespace of its own`,
    'run it with nsenter --net=/run/netns/NAME instead of ip netns exec NAME',
  )
}

/**
 * Whether this process has mounts of its own: others than the first process has or, where that cannot be seen, a /sys that
 * `ip netns exec NAME` mounted, which it does with NAME as the source (iproute2, lib/namespace.c, netns_switch).
 */
function isPrivate(): boolean {
  const [own, first] = [mountNamespace('self'), mountNamespace('1') ?? mountNamespace(KTHREADD)]
  if (first !== undefined && own !== first) return true
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  const sys = mounts.findLast((line) => line.split(' ')[4] === '/sys')
  const source = sys?.split(' - ')[1]?.split(' ')[1] ?? ''
  return source !== '' && existsSync(join('/run/netns', source))
}

/** The second process of a host is the kernel's own, which whoever has fewer rights than the first one may look at as well. */
const KTHREADD = '2'

/** Undefined where it is not ours to look at, or there is no such process. */
function mountNamespace(process: string): string | undefined {
  try {
    return readlinkSync(`/proc/${process}/ns/mnt`)
  } catch {
    return undefined
  }
}

/** Runs while no other process mounts, unmounts, or looks whether it should. */
export function exclusively<T>(run: () => T): T {
  if (turn !== undefined) {
    turn.take()
    return run()
  }
  using _lock = lock()
  return run()
}

const lock = (): Disposable => lockFile(join(SHARED_FOLDER, 'bpffs.lock'), true)

/** How long others may have to wait until what they do comes in between, in milliseconds. */
const LONGEST = 20

/** Holds the lock from when it is wanted first, and lets others have it from time to time. */
class Turn implements Disposable {
  #lock: Disposable | undefined
  #since = 0

  take(): void {
    if (this.#lock !== undefined && performance.now() - this.#since < LONGEST) return
    this[Symbol.dispose]()
    this.#lock = lock()
    this.#since = performance.now()
  }

  [Symbol.dispose](): void {
    this.#lock?.[Symbol.dispose]()
    this.#lock = undefined
  }
}

let turn: Turn | undefined

/** For many things that each run {@link exclusively}, one soon after the other: to take the lock takes its time. */
export function exclusivelyInTurns<T>(run: () => T): T {
  if (turn !== undefined) return run()
  using mine = new Turn()
  turn = mine
  try {
    return run()
  } finally {
    turn = undefined
  }
}

/** Inside {@link exclusively}. */
export function ensureMounted(): void {
  if (isMounted()) return
  check(mount('bpf', BPFFS, 'bpf', 0), 'mount', `mount the BPF file system on ${BPFFS}`)
  writeFileSync(marker(), '')
}

/** Inside {@link exclusively}. Names with a dot are the kernel's own (`progs.debug`, CONFIG_BPF_PRELOAD). */
export function unmountIfOurs(): void {
  const file = marker()
  if (!existsSync(file) || !isMounted() || readdirSync(BPFFS).some((name) => !name.includes('.'))) return
  const result = umount(BPFFS, 0)
  // Somebody's working directory, say. The next last pin tries again.
  if (result === -ERRNO.EBUSY) return
  check(result, 'mount', `unmount ${BPFFS}`)
  rmSync(file, { force: true })
}
