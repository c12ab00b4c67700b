import { existsSync } from 'node:fs'
import { addToken, makeToken, readTokens, removeToken } from '../../daemon/access/tokens.ts'
import type { AddOptions, FileOptions } from '../commands/token.ts'

const DAY = 24 * 60 * 60 * 1000

export function add(name: string, { file, role, days }: AddOptions): void {
  const { token, entry } = makeToken(name, role, days === undefined ? undefined : new Date(Date.now() + days * DAY))
  addToken(file, entry)
  const until = entry.expires === undefined ? '' : `, until ${entry.expires}`
  process.stderr.write(`${name} is ${role}${until}; the token is told only now\n`)
  process.stdout.write(`${token}\n`)
}

export function list({ file }: FileOptions): void {
  const tokens = existsSync(file) ? readTokens(file) : []
  if (tokens.length === 0) process.stderr.write(`there are no tokens in ${file}\n`)
  const width = Math.max(4, ...tokens.map(({ name }) => name.length))
  for (const { name, role, expires = 'for ever' } of tokens)
    process.stdout.write(`${name.padEnd(width)}  ${role.padEnd(8)}  ${expires}\n`)
}

export function remove(name: string, { file }: FileOptions): void {
  removeToken(file, name)
  process.stderr.write(`${name} is not let in any more\n`)
}
