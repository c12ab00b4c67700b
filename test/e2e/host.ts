/** The host as a test finds it and must leave it, and the commands that a user would type on it. */
import { spawnSync } from 'node:child_process'
import { type Dirent, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BPFFS } from '../../src/kernel/bpffs.ts'
import { namespaces } from '../../src/kernel/namespace.ts'
import { filters } from '../../src/kernel/netlink/filter.ts'
import { links } from '../../src/kernel/netlink/link.ts'
import { ingressQdiscs } from '../../src/kernel/netlink/qdisc.ts'
import { SHARED_FOLDER } from '../../src/kernel/places.ts'
import { whyNoKernel } from '../../src/kernel/requirements.ts'

export const ROOT = join(import.meta.dirname, '../..')

/** Why nothing here can run; undefined where it can. */
export function whyNot(...tools: readonly string[]): string | undefined {
  const reason = whyNoKernel()
  if (reason !== undefined) return reason
  const missing = tools.filter((tool) => !isThere(tool))
  return missing.length === 0 ? undefined : `not installed: ${missing.join(', ')}`
}

export const isThere = (tool: string): boolean =>
  ['/usr/bin', '/usr/sbin', '/bin', '/sbin', '/usr/local/bin'].some((folder) => existsSync(join(folder, tool)))

/** Everything that the demo and the command could leave behind, as lines. */
export function snapshot(): string[] {
  const interfaces = links().flatMap(({ name, index, up }) => [
    `interface ${name} ${up ? 'up' : 'down'}`,
    ...filters(index, 'ingress').map((filter) => `filter on ${name} ${filter.name}`),
  ])
  const lines = [
    ...interfaces,
    ...ingressQdiscs().map((qdisc) => `qdisc ${JSON.stringify(qdisc)}`),
    ...namespaces().map((name) => `namespace ${name}`),
    ...tree(BPFFS).map((path) => `pin ${path}`),
    ...readdirSync('/run')
      .filter((name) => name.startsWith('tessera'))
      .flatMap((name) => tree(join('/run', name)).map((path) => `file ${path}`)),
    ...readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .filter((line) => /bpf|netns/.test(line))
      .map((line) => `mount ${line}`),
    ...(isThere('bpftool') ? programs() : []),
  ]
  return lines.filter((line) => !isOfOthers(line)).sort()
}

/** Other tests may run on this host meanwhile. Their locks are those of all instances. */
function isOfOthers(line: string): boolean {
  const pid = /tessera-(?:test|lab)-(\d+)/.exec(line)?.[1]
  return pid === undefined
    ? line.startsWith(`file ${SHARED_FOLDER}/`) && line.endsWith('.lock')
    : pid !== `${process.pid}`
}

/** Loaded programs by type and name. The kernel frees them a moment after the last handle is gone. */
function programs(): string[] {
  const { stdout } = run('bpftool', 'prog', 'show', '--json')
  const all = JSON.parse(stdout) as { type: string; name?: string; id: number }[]
  return all.map(({ type, name, id }) => `program ${id} ${type} ${name ?? ''}`)
}

/** Milliseconds in which what has been let go is gone: on a machine that may be busy. */
const PATIENCE = 30_000

/**
 * `before`, as soon as all of it is there again and nothing that came since; after a while, as it then is. What comes from now on is
 * not of whoever asks. What others have may go meanwhile: what tests make has names of their own.
 */
export function settled(before: readonly string[]): string[] {
  const known = new Set(before)
  const came = snapshot().filter((line) => !known.has(line))
  for (const deadline = Date.now() + PATIENCE; ; ) {
    const now = new Set(snapshot())
    const stays = before.filter((line) => now.has(line) || /^(program|pin|file|namespace|mount nsfs) /.test(line))
    const left = came.filter((line) => now.has(line))
    if ((left.length === 0 && stays.length === before.length) || Date.now() > deadline)
      return [...stays, ...left].sort()
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
  }
}

/** None where there is no such folder: those of others come and go. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function tree(folder: string): string[] {
  return entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? [path, ...tree(path)] : [path]
  })
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Of what a command prints: skeletons have all of an object in them, and so its counters; a host may have thousands of programs. */
const MOST_PRINTED = 64 * 1024 * 1024

/** Runs a command to its end. */
export function run(command: string, ...words: readonly string[]): Ended {
  const options = { cwd: ROOT, encoding: 'utf8', timeout: 120_000, maxBuffer: MOST_PRINTED } as const
  const { status, stdout, stderr, error } = spawnSync(command, words, options)
  if (error !== undefined) throw error
  return { code: status, stdout, stderr }
}

export const TESSERA = join(ROOT, 'bin/tessera.js')

/** `tessera …` */
export const tessera = (...words: readonly string[]): Ended => run(process.execPath, TESSERA, ...words)

/**
 * What `ping` says was not answered, of what it sent before the last answer. It was ended at some moment: what was sent after that
 * does not count.
 */
export function unanswered(said: string): number[] {
  const answered = new Set([...said.matchAll(/icmp_seq=(\d+) /g)].map(([, number]) => Number(number)))
  const last = Math.max(...answered)
  return Array.from({ length: last }, (_, index) => index + 1).filter((number) => !answered.has(number))
}

/** Runs the rest of its words as somebody without rights, who may read this project wherever it lies. */
export const NOBODY = [
  'setpriv',
  ...['--reuid=65534', '--regid=65534', '--clear-groups'],
  ...['inh-caps', 'ambient-caps', 'bounding-set'].map((set) => `--${set}=-all,+dac_read_search`),
  // access(2) asks for the rights of the user alone otherwise.
  '--securebits=+no_setuid_fixup',
] as const

/** Whether somebody without rights comes to what is there. */
export const mayOthersEnter = (path: string): boolean =>
  run('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'test', '-x', path).code === 0
