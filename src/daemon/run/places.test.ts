import { afterEach, expect, test, vi } from 'vitest'

afterEach(() => {
  vi.unstubAllEnvs()
  vi.resetModules()
})

test.each([
  ['', '/var/lib/tessera', '/run/tessera/tessera.sock'],
  ['trial', '/var/lib/tessera-trial', '/run/tessera-trial/tessera.sock'],
])('the instance "%s" has a store and a socket of its own', async (name, store, socket) => {
  vi.stubEnv('TESSERA_INSTANCE', name)
  vi.resetModules()
  const { STORE, SOCKET } = await import('./places.ts')
  expect([STORE, SOCKET]).toEqual([store, socket])
})
