import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bind, close, receive, socket, unreachable } from './ffi.ts'
import { notify } from './notify.ts'

const AF_UNIX = 1
const SOCK_DGRAM_NONBLOCK = 2 | 0o4000

const path = join(tmpdir(), `tessera-notify-${process.pid}`)

test.skipIf(unreachable() !== undefined).each([
  ['a path', path, path],
  ['an abstract name', `@${path}`, `\0${path}`],
])('whoever supervises is told at %s', (_, named, bound) => {
  const fd = socket(AF_UNIX, SOCK_DGRAM_NONBLOCK, 0)
  try {
    const name = Buffer.from(bound)
    expect(bind(fd, Uint8Array.of(AF_UNIX, 0, ...name, ...(bound.startsWith('\0') ? [] : [0])))).toBe(0)
    notify('READY=1', named)
    const bytes = new Uint8Array(100)
    expect(Buffer.from(bytes.subarray(0, receive(fd, bytes))).toString()).toBe('READY=1')
  } finally {
    close(fd)
    rmSync(path, { force: true })
  }
})

test('where nobody supervises, nobody is told, and nothing is wrong', () => {
  notify('READY=1', '')
  notify('READY=1', '/nowhere/at/all')
  notify('READY=1', 'relative')
})
