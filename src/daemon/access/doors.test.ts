import { execFileSync } from 'node:child_process'
import { chmodSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { Refusal } from '../../base/diagnostic.ts'
import {
  ask,
  authority,
  closeServed,
  everything,
  folder,
  removeFiles,
  serve,
  socket,
  stranger,
  tls,
  tokens,
} from '../../testing/access.ts'
import { type DoorOptions, readDoors } from './doors.ts'

afterEach(closeServed)
afterAll(removeFiles)

const refusedFor = (options: Partial<DoorOptions>): string => {
  try {
    readDoors({ socket, ...options }, () => {})
    return 'accepted'
  } catch (error) {
    if (error instanceof Refusal) return error.message
    throw error
  }
}

describe('a TCP address', () => {
  const { listen, certificate, key } = tls

  test('is refused without TLS', () => {
    expect(refusedFor({ listen, tokens })).toContain('127.0.0.1:0 is refused: without TLS')
    expect(refusedFor({ listen, tokens, certificate })).toContain('--tls-key FILE')
  })
  test('is refused without a way to know clients', () =>
    expect(refusedFor(tls)).toContain('nobody could be told from anybody else'))
  test('has to be one', () => {
    for (const wrong of ['7443', 'here', '1.2.3.4:70000', '::1:7443', ':x'])
      expect(refusedFor({ ...everything, listen: wrong })).toContain('no address to listen at')
  })
  test('is taken with tokens, with certificates, and with both', () => {
    for (const known of [{ tokens }, { clientAuthority: authority.certificate }, everything])
      expect(refusedFor({ ...tls, ...known })).toBe('accepted')
  })
  test('is refused with the key of another certificate', () =>
    expect(refusedFor({ ...everything, key: stranger.key })).toContain('the key the one of the certificate'))
  test('is refused with files that are not there, or that everybody reads', () => {
    expect(refusedFor({ ...everything, key: join(folder, 'none') })).toContain('cannot be read')
    expect(refusedFor({ ...everything, clientAuthority: join(folder, 'none') })).toContain('cannot be read')
    expect(refusedFor({ listen, certificate, key, tokens: join(folder, 'none') })).toContain('tessera token add')
    chmodSync(key, 0o644)
    expect(refusedFor(everything)).toContain(`chmod 640 ${key}`)
    chmodSync(key, 0o600)
  })
})

describe('the Unix socket', () => {
  test('can be opened by root and a group, and whoever does is admin', async () => {
    await serve({ options: { socket, group: '12345' } })
    const { mode, gid } = statSync(socket)
    expect([mode & 0o777, gid]).toEqual([0o660, 12345])
    const { status, body } = await ask(undefined, { path: '/admin' })
    expect(status).toBe(200)
    expect(body.principal).toEqual({ name: `uid ${process.getuid?.()}`, role: 'admin', by: 'socket' })
  })

  test('is taken from nobody who answers, and from whoever was killed', async () => {
    await serve({ options: { socket } })
    await expect(serve({ options: { socket } })).rejects.toThrow('another daemon listens at')
    writeFileSync(join(folder, 'file'), '')
    await expect(serve({ options: { socket: join(folder, 'file') } })).rejects.toThrow('is no socket')
    const left = join(folder, 'left.sock')
    const kill = `require('node:net').createServer().listen(${JSON.stringify(left)}, () => process.kill(process.pid, 'SIGKILL'))`
    expect(() => execFileSync(process.execPath, ['-e', kill])).toThrow()
    expect(statSync(left).isSocket()).toBe(true)
    await serve({ options: { socket: left } })
  })

  test('a group has to be one', () => expect(refusedFor({ group: 'no-such-group' })).toContain('there is no group'))
})
