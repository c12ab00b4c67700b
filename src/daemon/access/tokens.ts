/** Bearer tokens. The file has their hashes, and who they stand for; nobody has them but those they were made for. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { type Diagnostic, Refusal, refusal } from '../../base/diagnostic.ts'
import { suggestion } from '../../base/suggest.ts'
import '../../cube/words.ts'
import { type Identity, ROLES, type Role } from './role.ts'

/** By which a token is known as one, wherever it turns up: in a log, say. Then 256 random bits (RFC 4648, base64url). */
export const TOKEN = /tessera_[A-Za-z0-9_-]{43}/g
const PREFIX = 'tessera_'
const BYTES = 32

const Entry = z.strictObject({
  name: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._@-]{0,62}$/, 'letters, digits and . _ @ -, at most 63'),
  role: z.enum(ROLES),
  /** Of the token's text. It has 256 random bits, so there is nothing to guess that a slow hash would protect. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits'),
  expires: z.iso.datetime({ error: 'a time in UTC: 2027-01-31T00:00:00Z' }).optional(),
})

const Content = z.strictObject({ tokens: z.array(Entry).max(1000) })

export type TokenEntry = z.output<typeof Entry>

const hash = (token: string): Buffer => createHash('sha256').update(token).digest()

/** A token that nobody has had before, which only the caller knows, and what the file says of it. */
export function makeToken(
  name: string,
  role: Role,
  expires?: Date,
): { readonly token: string; readonly entry: TokenEntry } {
  const token = `${PREFIX}${randomBytes(BYTES).toString('base64url')}`
  const entry = { name, role, sha256: hash(token).toString('hex'), ...(expires && { expires: expires.toISOString() }) }
  const checked = Entry.safeParse(entry)
  if (!checked.success)
    throw refusal(`"${name}" cannot be the name of a token`, checked.error.issues.map(({ message }) => message).join())
  return { token, entry: checked.data }
}

/** The tokens of a file. A Refusal where it cannot be read, is no such file, or others could write to it. */
export function readTokens(file: string): readonly TokenEntry[] {
  let text: string
  try {
    if ((statSync(file).mode & 0o022) !== 0)
      throw refusal(`${file} could be written by others, who could let themselves in`, `chmod 600 ${file}`)
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw refusal(
      `the tokens in ${file} cannot be read: ${error instanceof Error ? error.message : error}`,
      `tessera token add NAME --role viewer --file ${file} makes one`,
      undefined,
      error,
    )
  }
  return parseTokens(file, text)
}

function parseTokens(file: string, text: string): readonly TokenEntry[] {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (error) {
    // What JSON.parse says repeats a part of the file.
    throw refusal(`${file} is not JSON`, '{ "tokens": [{ "name", "role", "sha256", "expires" }] }', undefined, error)
  }
  const checked = Content.safeParse(content)
  if (!checked.success)
    throw new Refusal(
      checked.error.issues.map(
        ({ path, message }): Diagnostic => ({ message: `${file}: ${['', ...path].join('/') || '/'}: ${message}` }),
      ),
    )
  const { tokens } = checked.data
  const twice = tokens.find(({ name }, index) => tokens.findIndex((one) => one.name === name) !== index)
  if (twice !== undefined) throw refusal(`${file}: there are two tokens "${twice.name}"`, 'give one another name')
  return tokens
}

/** Another one of this name is refused. */
export function addToken(file: string, entry: TokenEntry): void {
  const before = statSync(file, { throwIfNoEntry: false }) === undefined ? [] : readTokens(file)
  if (before.some(({ name }) => name === entry.name))
    throw refusal(`there is a token "${entry.name}" already`, `tessera token remove ${entry.name} takes it away`)
  writeTokens(file, [...before, entry])
}

export function removeToken(file: string, name: string): void {
  const before = readTokens(file)
  const names = before.map((one) => one.name)
  if (!names.includes(name)) throw refusal(`there is no token "${name}"`, suggestion(name, names))
  writeTokens(
    file,
    before.filter((one) => one.name !== name),
  )
}

/** Written beside and renamed: a reader finds the old ones or the new ones. */
function writeTokens(file: string, tokens: readonly TokenEntry[]): void {
  const beside = `${file}.new`
  mkdirSync(dirname(file), { recursive: true })
  rmSync(beside, { force: true })
  writeFileSync(beside, `${JSON.stringify({ tokens }, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' })
  renameSync(beside, file)
}

/** Who has a token, by a file that is read anew whenever it is another one. */
export class Tokens {
  private readonly file: string
  private readonly failed: (why: Refusal) => void
  private seen = ''
  private written = 0
  private entries: readonly (TokenEntry & { readonly hash: Buffer })[] = []

  /** A Refusal where the file is not good now. Later `failed` hears of it, and no token counts: one may have been taken away. */
  constructor(file: string, failed: (why: Refusal) => void) {
    this.file = file
    this.failed = failed
    this.seen = this.state()
    this.take(readTokens(file))
  }

  /** `now` in milliseconds since 1970. It is no earlier than the file was written, whatever a host says that was begun without a clock. */
  identify(token: string, now: number): Identity {
    this.refresh()
    const given = hash(token)
    // Hashes are compared, and all of them.
    const [found] = this.entries.filter((one) => timingSafeEqual(one.hash, given))
    if (found === undefined) return { is: 'refused', why: 'the token is not known' }
    const { name, role, expires } = found
    if (expires !== undefined && Date.parse(expires) <= Math.max(now, this.written))
      return { is: 'refused', why: `the token "${name}" expired ${expires}` }
    return { is: 'known', principal: { name, role, by: 'token' } }
  }

  private refresh(): void {
    const state = this.state()
    if (state === this.seen) return
    this.seen = state
    this.take([])
    try {
      this.take(readTokens(this.file))
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.failed(error)
    }
  }

  private take(entries: readonly TokenEntry[]): void {
    this.entries = entries.map((entry) => ({ ...entry, hash: Buffer.from(entry.sha256, 'hex') }))
  }

  private state(): string {
    try {
      const { ino, mtimeNs, mtimeMs, size, mode } = statSync(this.file, { bigint: true })
      this.written = Number(mtimeMs)
      return `${ino} ${mtimeNs} ${size} ${mode}`
    } catch {
      // It is gone, or nobody may see whether it is: what reads it says so.
      this.written = 0
      return ''
    }
  }
}
