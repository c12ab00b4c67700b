/** A copy of a cube's folder that nobody changes any more, from which its modules find Tessera. */
import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { refusal } from '../../base/diagnostic.ts'
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

/** Paths in a folder, and what is in the files. A Refusal where it is no cube, or too much. */
export function readCube(folder: string): Files {
  const files = new Map<string, Uint8Array>()
  let bytes = 0
  const read = (at: string) => {
    for (const name of readdirSync(join(folder, at)).sort()) {
      if (name.startsWith('.') || name === 'node_modules') continue
      const path = join(at, name)
      if (lstatSync(join(folder, path)).isDirectory()) {
        read(path)
        continue
      }
      const content = contentOf(join(folder, path), MOST_BYTES - bytes)
      if (files.size >= MOST_FILES || content === undefined)
        throw refusal(
          `${folder} is too large for a cube`,
          `${MOST_FILES} files, and ${MOST_BYTES >> 20} MiB, are the most`,
        )
      bytes += content.length
      files.set(path, content)
    }
  }
  try {
    read('')
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

/** Undefined where it is more than so many bytes. Somebody else's file may become a link, or a pipe, while it is looked at. */
function contentOf(path: string, most: number): Uint8Array | undefined {
  const none = () => refusal(`${path} is no file of the cube`, 'put the file itself there, and no link')
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    // ELOOP is a link's, ENXIO a socket's.
    if (hasCode(error, 'ELOOP', 'ENXIO')) throw none()
    throw error
  }
  try {
    const found = fstatSync(fd)
    if (!found.isFile()) throw none()
    return found.size > most ? undefined : readFileSync(fd)
  } finally {
    closeSync(fd)
  }
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
