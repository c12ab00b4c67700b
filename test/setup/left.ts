/** What test runs that were killed have left on this host. */
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { BPFFS, exclusively, isMounted, unmountIfOurs } from '../../src/kernel/bpffs.ts'
import { umount } from '../../src/kernel/ffi.ts'
import { namespaces, removeNamespace } from '../../src/kernel/namespace.ts'
import { links } from '../../src/kernel/netlink/link.ts'
import { isLeft, PREFIX } from './places.ts'

const MNT_DETACH = 2

/** Removes it: a line for each thing. Needs root. */
export async function removeLeft(): Promise<string[]> {
  const removed = [...(await endProcesses()), ...removeMounts(), ...removeFiles(), ...removePins()]
  const interfaces = links().length
  const gone = namespaces().filter(isLeft)
  for (const name of gone) removeNamespace(name)
  // Their interfaces, and the ends of them that are here, go a moment later.
  if (gone.length > 0) await settled(interfaces)
  return [...removed, ...gone.map((name) => `network namespace ${name}`)]
}

/** Daemons, control planes, pings: whatever had the environment of a run. */
async function endProcesses(): Promise<string[]> {
  const left = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const [run] = environment(pid).flatMap((line) => /^TMPDIR=.*\/([^/]+)$/.exec(line)?.[1] ?? [])
      return run !== undefined && isLeft(run) ? [{ pid: Number(pid), command: commandOf(pid) }] : []
    })
  for (const { pid } of left) kill(pid)
  while (left.some(({ pid }) => environment(`${pid}`).length > 0)) await setTimeout(10)
  return left.map(({ pid, command }) => `process ${pid} (${command})`)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has just ended.
  }
}

const environment = (pid: string): string[] => pieces(`/proc/${pid}/environ`)

const commandOf = (pid: string): string =>
  pieces(`/proc/${pid}/cmdline`)
    .slice(0, 3)
    .map((word) => basename(word))
    .join(' ')

/** Nothing of a process that is gone. */
function pieces(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\0')
      .filter((piece) => piece !== '')
  } catch {
    return []
  }
}

/** The latest first: what is mounted in another one. */
function removeMounts(): string[] {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(join(tmpdir(), PREFIX)) && point.split('/').some(isLeft))
  return points.reverse().map((point) => {
    umount(point, MNT_DETACH)
    return `mount ${point}`
  })
}

function removeFiles(): string[] {
  const groups = ['/sys/fs/cgroup', '/sys/fs/cgroup/memory'].flatMap(leftIn)
  for (const group of groups) rmdirSync(group)
  const folders = [tmpdir(), '/run'].flatMap(leftIn)
  for (const folder of folders) rmSync(folder, { recursive: true })
  return [...groups, ...folders]
}

/** Instances of tests, and what labs have pinned in the one that has no name. Links go with their pins, and programs with them. */
function removePins(): string[] {
  if (!isMounted()) return []
  const pins = [BPFFS, join(BPFFS, 'tessera')].flatMap(leftIn)
  exclusively(() => {
    for (const pin of pins) rmSync(pin, { recursive: true })
    const own = join(BPFFS, 'tessera')
    if (existsSync(own) && readdirSync(own).length === 0) rmdirSync(own)
    unmountIfOurs()
  })
  return pins
}

const leftIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter(isLeft)
        .map((name) => join(folder, name))
    : []

/** Until no interface has gone for a while. */
async function settled(interfaces: number): Promise<void> {
  for (let before = interfaces, still = 0; still < 10; ) {
    await setTimeout(20)
    const now = links().length
    still = now === before ? still + 1 : 0
    before = now
  }
}
