/** Whoever owns nothing on this host, as whom code of others runs: what it takes to become nobody, and to undo what nobody did. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { refusal } from '../../base/diagnostic.ts'
import { missingCapabilities } from '../../kernel/capabilities.ts'
import { hasCode } from '../../kernel/errno.ts'
import { ROOT } from './staging.ts'

/** `nobody` and its group, on Debian and elsewhere. */
const NOBODY = 65_534

/** Of `spawn`. Empty where this process cannot give up what it may: then it has little itself. */
export const asNobody = (): { readonly uid?: number; readonly gid?: number } =>
  missingCapabilities(['CAP_SETUID', 'CAP_SETGID']).length === 0 ? { uid: NOBODY, gid: NOBODY } : {}

/** setpriv(1): before a command that is to have nobody's rights. */
export const NOBODYS_RIGHTS = [
  '/usr/bin/setpriv',
  ...[`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs', '--inh-caps=-all'],
  '--ambient-caps=-all',
] as const

/** What it takes to run a cube: Tessera, with the packages that it stands on, and Node.js. */
export const TESSERA = basename(dirname(ROOT)) === 'node_modules' ? dirname(ROOT) : ROOT
export const NODE = process.execPath

const OTHERS_ENTER = 0o001
const OTHERS_READ = 0o004

const may = (path: string, bit: number): boolean => (statSync(path).mode & bit) !== 0

/** The uppermost folder on the way that others cannot enter. */
function closedAbove(path: string): string | undefined {
  const above = dirname(path)
  if (above === path) return undefined
  return closedAbove(above) ?? (may(above, OTHERS_ENTER) ? undefined : above)
}

const TOOLS = ['/usr/bin/unshare', '/usr/bin/mount', '/usr/bin/setpriv', '/bin/sh']
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/**
 * The words before a command by which nobody comes to what is in folders that are closed to others, such as /root: in a mount
 * namespace of the command's own, what is named is there, read-only and at its place, and nothing else of those folders. None where
 * nothing is closed, or where this process is somebody with few rights itself. A Refusal where that cannot be.
 */
export function wayTo(paths: readonly string[]): readonly string[] {
  if (asNobody().uid === undefined) return []
  for (const path of paths) mustBeReadable(path)
  const closed = [...new Set(paths.flatMap((path) => closedAbove(path) ?? []))]
  const [first] = closed
  if (first === undefined) return []
  if (missingCapabilities(['CAP_SYS_ADMIN']).length > 0 || !TOOLS.every((tool) => existsSync(tool)))
    throw refusal(
      `cubes of others are run as nobody, who cannot enter ${first}, where ${paths.join(' and ')} are`,
      `install Tessera and Node.js where all may read, such as /usr/local/lib, or let others through (chmod o+x ${first}); or give the daemon CAP_SYS_ADMIN`,
    )
  // What is covered is still there by a descriptor; 3 and 4 are those of others.
  const held = paths.map((path, index) => ({ path, fd: index + 5, isFolder: statSync(path).isDirectory() }))
  const script = [
    ...held.map(({ path, fd }) => `exec ${fd}<${quoted(path)}`),
    ...closed.map((path) => `mount -t tmpfs -o mode=755,size=64k tessera ${quoted(path)}`),
    ...held.flatMap(({ path, fd, isFolder }) => {
      const at = quoted(path)
      return [
        ...(closedAbove(path) === undefined
          ? []
          : [
              `mkdir -p ${isFolder ? at : quoted(dirname(path))}`,
              ...(isFolder ? [] : [`: >${at}`]),
              `mount --no-canonicalize --bind /proc/self/fd/${fd} ${at}`,
              `mount -o remount,bind,ro ${at}`,
            ]),
        `exec ${fd}<&-`,
      ]
    }),
    'exec "$@"',
  ]
  return ['/usr/bin/unshare', '--mount', '--propagation', 'private', '/bin/sh', '-ec', script.join('\n'), 'sh']
}

function mustBeReadable(path: string): void {
  const isFolder = statSync(path).isDirectory()
  const parts = isFolder ? [path, join(ROOT, 'package.json'), join(ROOT, 'src')] : [path]
  if (parts.every((part) => may(part, OTHERS_READ) && (!statSync(part).isDirectory() || may(part, OTHERS_ENTER))))
    return
  throw refusal(
    `cubes of others are run as nobody, who cannot read ${path}`,
    `let others read it: chmod -R o+rX ${path}`,
  )
}

/** Ends a process with all that it has begun in its group, whoever it belongs to: nobody's processes are for nobody to end. */
export function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // Else, it has ended.
    if (hasCode(error, 'EPERM')) run(`kill -s KILL -- -${pid}`).catch(() => {})
  }
}

/**
 * Removes a folder in which nobody may write, with all that nobody has there. An Error where there is more. Only as nobody it is walked
 * through: whoever still runs could have a folder in it become a link to what is others'.
 */
export async function removeScratch(folder: string): Promise<void> {
  if (asNobody().uid === undefined) return rmSync(folder, { recursive: true })
  await run(`cd ${quoted(folder)} && { chmod -R u+rwX . || :; } && find . -mindepth 1 -delete`)
  rmdirSync(folder)
}

/** As nobody: without CAP_KILL and CAP_DAC_OVERRIDE, root may not do it. */
async function run(command: string): Promise<void> {
  const child = spawn('/bin/sh', ['-c', command], { cwd: '/', stdio: 'ignore', env: {}, ...asNobody() })
  await once(child, 'close')
}
