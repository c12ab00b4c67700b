/** Every route of the API, with each kind of credential. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROUTES } from '../../api/routes.ts'
import {
  type Asking,
  ask,
  authority,
  closeServed,
  removeFiles,
  type Served,
  serve,
  stranger,
  tokenOf,
  tokens,
} from '../../testing/access.ts'
import { LIMITS } from './limits.ts'
import { includes, ROLES } from './role.ts'
import { addToken, makeToken } from './tokens.ts'

const expired = makeToken('expired', 'admin', new Date('2020-01-01'))
addToken(tokens, expired.entry)
const certificates = Object.fromEntries(
  ROLES.map((role) => [role, authority.sign(role, `/CN=${role}/OU=tessera-${role}`)]),
)

/** None of which counts. */
const WRONG: readonly (readonly [name: string, asking: Asking])[] = [
  ['no credential', {}],
  ['a wrong token', { token: makeToken('nobody', 'admin').token }],
  ['an expired token', { token: expired.token }],
  ['a password', { authorization: 'Basic cm9vdDpyb290' }],
  ["another authority's certificate", { by: stranger.sign('eve', '/CN=eve/OU=tessera-admin') }],
  ['an expired certificate', { by: authority.sign('late', '/CN=late/OU=tessera-admin', -1) }],
  ['a certificate without a role', { by: authority.sign('plain', '/CN=plain') }],
]

let served: Served
const handled: string[] = []
beforeAll(async () => {
  served = await serve({
    limits: { rate: LIMITS.rate, failures: 10_000 },
    routes: (app) => {
      for (const { id, method, path, role } of Object.values(ROUTES))
        app.route({
          method,
          url: path.replace(/\{(\w+)\}/g, ':$1'),
          config: { role },
          handler: () => {
            handled.push(id)
            return { id }
          },
        })
    },
  })
})
afterAll(async () => {
  await closeServed()
  removeFiles()
})

for (const { id, method, path, role } of Object.values(ROUTES)) {
  const statusOf = async (asking: Asking) => {
    handled.length = 0
    const { status } = await ask(served.port, { method, path: path.replace(/\{\w+\}/g, 'x'), ...asking })
    expect(handled).toEqual(status === 200 ? [id] : [])
    return status
  }

  describe(`${id}: ${method} ${path}`, () => {
    for (const one of ROLES)
      test(`${includes(one, role) ? 'is' : 'is not'} for ${one}`, async () => {
        const expected = includes(one, role) ? 200 : 403
        expect(await statusOf({ token: tokenOf[one] })).toBe(expected)
        const by = certificates[one]
        expect(by && (await statusOf({ by }))).toBe(expected)
      })
    for (const [name, asking] of WRONG)
      test(role === 'anybody' ? `is for ${name}` : `is not for ${name}`, async () =>
        expect(await statusOf(asking)).toBe(role === 'anybody' ? 200 : 401),
      )
  })
}

test('nothing that changes anything is for viewers', () => {
  for (const { id, method, role } of Object.values(ROUTES))
    if (method !== 'GET') expect([id, includes('viewer', role)]).toEqual([id, false])
})
