import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openEmbedded } from './embedded.ts'
import type { HistoryBound, Store } from './store.ts'
import { storeSuite } from './suite.ts'

const lock = () => ({ [Symbol.dispose]() {} })

/** Folders of stores that are open, to open them again. */
const folders = new Map<Store, { readonly folder: string; readonly history: HistoryBound | undefined }>()
/** In memory, for it is written through with each commit. */
const root = mkdtempSync(join(process.platform === 'linux' ? '/dev/shm' : tmpdir(), 'tessera-store-'))
let count = 0

function openIn(folder: string, history: HistoryBound | undefined): Store {
  const store = openEmbedded(folder, { lock, ...(history === undefined ? {} : { history }) })
  folders.set(store, { folder, history })
  return store
}

afterAll(() => rmSync(root, { recursive: true }))

storeSuite('a store in a folder', {
  open: async (history) => openIn(join(root, String(++count)), history),
  reopen: async (store) => {
    await store[Symbol.asyncDispose]()
    const { folder = '', history } = folders.get(store) ?? {}
    return openIn(folder, history)
  },
})
