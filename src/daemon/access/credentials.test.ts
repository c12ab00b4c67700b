import { once } from 'node:events'
import { chmodSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
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
  tokenOf,
  tokens,
} from '../../testing/access.ts'
import type { CertificateFiles } from '../../testing/certificates.ts'
import { readTls } from './doors.ts'
import { ROLES } from './role.ts'
import { addToken, makeToken, readTokens, removeToken } from './tokens.ts'

afterEach(closeServed)
afterAll(removeFiles)

describe('a token', () => {
  test('is of a role, which may what lesser ones may', async () => {
    const { port } = await serve()
    for (const [index, role] of ROLES.entries())
      for (const [needed, path] of ROLES.entries()) {
        const { status, headers, body } = await ask(port, { path: `/${path}`, token: tokenOf[role] })
        expect([role, path, status]).toEqual([role, path, index >= needed ? 200 : 403])
        if (status === 200) expect(body.principal).toEqual({ name: role, role, by: 'token' })
        else {
          expect(headers['www-authenticate']).toContain(`error="insufficient_scope", scope="${path}"`)
          expect(body.detail).toBe(`token ${role} is ${role}, and this takes ${path}`)
        }
      }
  })

  test('that is missing, wrong, or something else', async () => {
    const { port } = await serve({ options: { socket, ...tls, tokens } })
    const without = await ask(port)
    expect([without.status, without.headers['www-authenticate']]).toEqual([401, 'Bearer realm="tessera"'])
    expect(without.headers['content-type']).toContain('application/problem+json')
    const wrong = [
      `Bearer ${makeToken('other', 'admin').token}`,
      `Bearer ${tokenOf.admin.slice(0, -1)}`,
      'Basic YWRtaW46YWRtaW4=',
      'Bearer',
      'Bearer a b',
      '',
    ]
    for (const authorization of wrong) {
      const { status, headers } = await ask(port, { authorization })
      expect([authorization, status]).toEqual([authorization, 401])
      expect(headers['www-authenticate']).toContain('error="invalid_token"')
    }
    expect((await ask(port, { path: '/nowhere' })).status).toBe(401)
    expect((await ask(port, { path: '/nowhere', token: tokenOf.viewer })).status).toBe(404)
  })

  test('expires', async () => {
    const { port } = await serve({ now: () => Date.parse('2030-01-01') })
    const { status, body } = await ask(port, { token: tokenOf.admin })
    expect([status, body.detail]).toEqual([401, 'the token "admin" expired 2030-01-01T00:00:00.000Z'])
  })

  test('comes and goes while the daemon runs', async () => {
    const { port } = await serve()
    const { token, entry } = makeToken('guest', 'viewer')
    expect((await ask(port, { token })).status).toBe(401)
    addToken(tokens, entry)
    expect((await ask(port, { token })).status).toBe(200)
    expect(() => addToken(tokens, entry)).toThrow('there is a token "guest" already')
    removeToken(tokens, 'guest')
    expect((await ask(port, { token })).status).toBe(401)
    expect(() => removeToken(tokens, 'gest')).toThrow('there is no token "gest"')
  })

  test('none counts while their file is no good', async () => {
    const { port, log } = await serve()
    const good = readFileSync(tokens)
    const secret = tokenOf.admin
    try {
      writeFileSync(tokens, `{ "tokens": [{ "name": "${secret}" }`)
      expect((await ask(port, { token: tokenOf.viewer })).status).toBe(401)
      expect(log.join()).toContain('is not JSON')
      expect(log.join()).not.toContain(secret)
    } finally {
      writeFileSync(tokens, good)
    }
    expect((await ask(port, { token: tokenOf.viewer })).status).toBe(200)
  })

  test('none counts while nobody can look at their file', async () => {
    const { port, log } = await serve()
    const good = `${tokens}.good`
    renameSync(tokens, good)
    symlinkSync(tokens, tokens)
    try {
      for (let times = 0; times < 2; times++) expect((await ask(port, { token: tokenOf.viewer })).status).toBe(401)
      expect(log.filter((line) => line.includes('cannot be read'))).toHaveLength(1)
    } finally {
      renameSync(good, tokens)
    }
    expect((await ask(port, { token: tokenOf.viewer })).status).toBe(200)
  })
})

describe('a file of tokens', () => {
  const file = join(folder, 'other.json')
  const refused = (content: unknown) => {
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
    return () => readTokens(file)
  }
  const entry = { name: 'a', role: 'viewer', sha256: '0'.repeat(64) }

  test('is checked', () => {
    expect(refused({ tokens: [entry] })()).toEqual([entry])
    expect(refused({ tokens: [{ ...entry, role: 'root' }] })).toThrow('/tokens/0/role')
    expect(refused({ tokens: [{ ...entry, expires: 'soon' }] })).toThrow('2027-01-31T00:00:00Z')
    expect(refused({ tokens: [{ ...entry, token: 'x' }] })).toThrow('/tokens/0')
    expect(refused({ tokens: [entry, entry] })).toThrow('two tokens "a"')
  })
  test('is nobody else’s to write', () => {
    writeFileSync(file, JSON.stringify({ tokens: [] }))
    chmodSync(file, 0o620)
    expect(() => readTokens(file)).toThrow('chmod 600')
    chmodSync(file, 0o600)
  })
  test('has no token in it', () => expect(readFileSync(tokens, 'utf8')).not.toContain(tokenOf.admin))
  test('has names that can be shown', () => expect(() => makeToken('a\nb', 'viewer')).toThrow('cannot be the name'))
})

describe('a certificate', () => {
  const detail = async (by: CertificateFiles, options?: Parameters<typeof serve>[0]) => {
    const { port } = await serve(options)
    const { status, body } = await ask(port, { by })
    return `${status} ${body.detail}`
  }

  test('has the role in its OU', async () => {
    const { port } = await serve()
    for (const [index, role] of ROLES.entries()) {
      const by = authority.sign(role, `/O=Example/OU=people/OU=tessera-${role}/CN=alice`)
      for (const [needed, path] of ROLES.entries()) {
        const { status, body } = await ask(port, { path: `/${path}`, by })
        expect([role, path, status]).toEqual([role, path, index >= needed ? 200 : 403])
        if (status === 200) expect(body.principal).toEqual({ name: 'alice', role, by: 'certificate' })
      }
    }
  })
  test('that has expired', async () =>
    expect(await detail(authority.sign('old', '/CN=alice/OU=tessera-admin', -1))).toBe(
      '401 the certificate has expired',
    ))
  test('that expires while the connection lives', async () =>
    expect(
      await detail(authority.sign('short', '/CN=alice/OU=tessera-admin'), { now: () => Date.now() + 2 * 86_400_000 }),
    ).toContain('401 the certificate expired'))
  test('of another authority', async () =>
    expect(await detail(stranger.sign('eve', '/CN=eve/OU=tessera-admin'))).toContain(
      "401 the certificate is not one of the authority's",
    ))
  test('that is revoked, also while the connection lives', async () => {
    const [alice, bob] = ['alice', 'bob'].map((name) => authority.sign(name, `/CN=${name}/OU=tessera-admin`))
    if (alice === undefined || bob === undefined) throw new Error('not signed')
    const options = { ...everything, revoked: authority.revoke([]) }
    const { port, doors } = await serve({ options })
    const read = ({ certificate, key }: CertificateFiles) => ({
      cert: readFileSync(certificate),
      key: readFileSync(key),
    })
    const status = async () => (await ask(port, { by: alice })).status
    expect(await status()).toBe(200)
    const ca = readFileSync(authority.certificate)
    const living = connect({ host: '127.0.0.1', port, ca, ...read(alice) })
    await once(living, 'secureConnect')
    const closed = once(living, 'close')
    authority.revoke([alice])
    expect(await status()).toBe(200)
    doors.renew(readTls(options)!)
    await closed
    expect((await ask(port, { by: alice })).body.detail).toBe('the certificate is revoked')
    expect((await ask(port, { by: bob })).status).toBe(200)
  })
  test('where the list of what is revoked has expired', async () => {
    const by = authority.sign('carol', '/CN=carol/OU=tessera-admin')
    const options = { ...everything, revoked: authority.revoke([], 1) }
    const { port } = await serve({ options })
    await expect.poll(async () => (await ask(port, { by })).body.detail, { timeout: 10_000 }).toContain('has expired')
  })
  test('without a role, or with two', async () => {
    expect(await detail(authority.sign('none', '/CN=alice/OU=admin'))).toContain(
      "401 the certificate's subject needs one OU",
    )
    await closeServed()
    const two = authority.sign('two', '/CN=alice/OU=tessera-admin/OU=tessera-viewer')
    expect(await detail(two)).toContain("401 the certificate's subject needs one OU")
  })
  test('without a name', async () =>
    expect(await detail(authority.sign('nameless', '/OU=tessera-admin'))).toContain('has no CN'))
  test('a token that is wrong is not made good by one', async () => {
    const { port } = await serve()
    const by = authority.sign('good', '/CN=alice/OU=tessera-admin')
    expect((await ask(port, { by, authorization: 'Bearer wrong' })).status).toBe(401)
  })
  test('counts nowhere where no authority is named', async () => {
    const { port } = await serve({ options: { socket, ...tls, tokens } })
    expect((await ask(port, { by: authority.sign('good', '/CN=alice/OU=tessera-admin') })).status).toBe(401)
  })
})
