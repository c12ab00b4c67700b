/** A copy of a cube's folder that nobody changes any more, from which its modules find Tessera. */
import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Refusal, refusal } from '../../base/diagnostic.ts'
import { hasCode } from '../../kernel/errno.ts'

/** Where `tessera/cube` and the packages that it stands on are. */
export const ROOT = resolve(import.meta.dirname, '../../..')

/** Of a package that Tessera stands on: beside its sources, or where it was installed with others. */
export function packageFolder(name: string, from = ROOT): string | undefined {
  const folder = join(from, 'node_modules', name)
  if (existsSync(folder)) return folder
  return dirname(from) === from ? undefined : packageFolder(name, dirname(from))
}

/** The same, or a Refusal. */
export function mustHave(name: string): string {
  const folder = packageFolder(name)
  if (folder === undefined)
    throw refusal(`cubes cannot be checked: the package ${name} is not there`, `npm install in ${ROOT} brings it`)
  return folder
}

const MOST_FILES = 200
const MOST_BYTES = 4 << 20

export type Files = ReadonlyMap<string, Uint8Array>

/**
 * Paths in a folder, and what is in the files. A Refusal where it is no cube, or too much. Whoever has the folder may put something else
 * in the place of anything in it meanwhile: each folder is read as the one that was opened, whatever has its name by then.
 */
export function readCube(folder: string): Files {
  const files = new Map<string, Uint8Array>()
  const room = new Uint8Array(MOST_BYTES + 1)
  let bytes = 0
  const read = (fd: number, at: string) => {
    const here = `/proc/self/fd/${fd}`
    for (const name of readdirSync(here).sort()) {
      if (name.startsWith('.') || name === 'node_modules') continue
      const path = join(at, name)
      const none = () =>
        refusal(`${join(folder, path)} is no file of the cube`, 'put the file itself there, and no link')
      opened(join(here, name), constants.O_NOFOLLOW, none, (inner) => {
        const found = fstatSync(inner)
        if (found.isDirectory()) return read(inner, path)
        if (!found.isFile()) throw none()
        const content = fill(inner, room.subarray(bytes))
        if (files.size >= MOST_FILES || bytes + content.length > MOST_BYTES)
          throw refusal(
            `${folder} is too large for a cube`,
            `${MOST_FILES} files, and ${MOST_BYTES >> 20} MiB, are the most`,
          )
        bytes += content.length
        files.set(path, content)
      })
    }
  }
  try {
    opened(
      folder,
      constants.O_DIRECTORY,
      () => refusal(`${folder} is no folder`),
      (fd) => read(fd, ''),
    )
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error
    throw refusal(`the cube in ${folder} cannot be read: ${error.message}`, 'the daemon reads it, by its whole path')
  }
  for (const needed of ['schema.ts', 'dataplane.ts'])
    if (!files.has(needed))
      throw refusal(
        `there is no ${needed} in ${folder}`,
        'a cube is a folder with schema.ts, dataplane.ts and control.ts',
      )
  return files
}

/** ELOOP is a link's, ENXIO a socket's: then it is `none`. */
function opened(path: string, flags: number, none: () => Refusal, use: (fd: number) => void): void {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | flags)
  } catch (error) {
    if (hasCode(error, 'ELOOP', 'ENXIO')) throw none()
    throw error
  }
  try {
    use(fd)
  } finally {
    closeSync(fd)
  }
}

/** What is in a file, whatever size it says it has, as far as there is room. */
function fill(fd: number, room: Uint8Array): Uint8Array {
  let length = 0
  for (let count = 1; count > 0; length += count) count = readSync(fd, room, length, room.length - length, null)
  return room.subarray(0, length)
}

/** 16 hexadecimal digits, others for other contents. */
export function digestOf(files: Files): string {
  const hash = createHash('sha256')
  for (const [path, content] of files) hash.update(`${path}\0${content.length}\0`).update(content)
  return hash.digest('hex').slice(0, 16)
}

/** Everybody may read it, and nobody but the owner of this process may write. */
export function writeCube(files: Files, folder: string): void {
  for (const [path, content] of files) {
    mkdirSync(join(folder, path, '..'), { recursive: true, mode: 0o755 })
    writeFileSync(join(folder, path), content, { mode: 0o644, flush: true })
  }
}

/** Has modules in the folders in `home` find Tessera. */
export function furnish(home: string): void {
  const modules = join(home, 'node_modules')
  mkdirSync(modules, { recursive: true, mode: 0o755 })
  writeFileSync(join(home, 'package.json'), '{ "private": true, "type": "module" }\n', { mode: 0o644 })
  link(ROOT, join(modules, 'tessera'))
  link(mustHave('zod'), join(modules, 'zod'))
}

function link(target: string, at: string): void {
  try {
    symlinkSync(target, at)
  } catch (error) {
    // Of an earlier start; where it leads may have moved since.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}
