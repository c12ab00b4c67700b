/** The store in a folder, and what can happen to its process and its disk. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { open as openLmdb } from 'lmdb'
import { afterAll, describe, expect, test } from 'vitest'
import { Refusal } from '../src/base/diagnostic.ts'
import { missingCapabilities } from '../src/kernel/capabilities.ts'
import { lockFile } from '../src/kernel/lock.ts'
import { openEmbedded } from '../src/store/embedded.ts'
import { NoRoom, type Store } from '../src/store/store.ts'

const root = mkdtempSync(join(tmpdir(), 'tessera-store-'))
afterAll(() => rmSync(root, { recursive: true }))
const open = (folder: string): Store => openEmbedded(folder, { lock: lockFile })

describe('a process that writes', () => {
  const folder = join(root, 'killed')

  /** Returns when it has acknowledged something. */
  async function write(): Promise<{ readonly child: ChildProcess; readonly acknowledged: () => number }> {
    const words = ['--import', 'tsx', join(import.meta.dirname, 'store/writer.ts'), folder]
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    await once(child.stdout, 'data')
    return { child, acknowledged: () => Number(said.split('\n').at(-2) ?? 0) }
  }

  test('and is killed has lost nothing that it acknowledged, and left nothing half', async () => {
    for (let round = 0; round < 4; round++) {
      const { child, acknowledged } = await write()
      await setTimeout(Math.random() * 200)
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
      await using store = open(folder)
      const { revision, entries } = await store.list('')
      const [left, right] = ['left', 'right'].map((key) => entries.find((entry) => entry.key === key))
      expect(revision).toBeGreaterThanOrEqual(acknowledged())
      expect(revision).toBeLessThanOrEqual(acknowledged() + 1)
      expect(left?.value).toMatch(new RegExp(`^${revision} `))
      expect(right).toMatchObject({ value: left?.value, revision })
      expect(entries.find(({ key }) => key === `each/${revision % 50}`)).toMatchObject({ revision })
      for await (const commit of store.watch('left', { after: revision - 1 })) {
        expect(commit).toMatchObject({ revision, changes: [{ value: left?.value }] })
        break
      }
    }
  }, 120_000)

  test('is the only one: another one is told which it is', async () => {
    const { child } = await write()
    try {
      expect(() => open(folder)).toThrow(`another process (${child.pid}) holds ${join(folder, 'lock')}`)
    } finally {
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    }
    await open(folder)[Symbol.asyncDispose]()
  }, 60_000)
})

test('what a newer version wrote is refused, and left as it is', async () => {
  const folder = join(root, 'newer')
  const lmdb = openLmdb<object, string>({ path: folder, encoding: 'json', overlappingSync: false })
  lmdb.putSync('meta', { version: 2, revision: 7, somethingNew: true })
  await lmdb.close()
  const before = readFileSync(join(folder, 'data.mdb'))
  for (const _ of ['once', 'and again'])
    expect(() => open(folder)).toThrow(/was written by a newer version .*format is 2/)
  expect(readFileSync(join(folder, 'data.mdb')).equals(before)).toBe(true)
})

test('what is no store is refused in a sentence', () => {
  const file = join(root, 'file')
  spawnSync('sh', ['-c', `echo no store > ${file}`])
  expect(() => open(join(file, 'store'))).toThrow(Refusal)
  const folder = join(root, 'garbage')
  mkdirSync(folder)
  spawnSync('sh', ['-c', `head -c 100000 /dev/urandom > ${join(folder, 'data.mdb')}`])
  expect(() => open(folder)).toThrow(/garbage.data.mdb is no store of Tessera/)
})

test('nobody but its owner can read it', async () => {
  const folder = join(root, 'private')
  await open(folder)[Symbol.asyncDispose]()
  expect(statSync(folder).mode & 0o777).toBe(0o700)
})

const cannotMount = process.platform !== 'linux' || missingCapabilities(['CAP_SYS_ADMIN']).length > 0

describe.skipIf(cannotMount)('on a disk that is full', () => {
  async function on(size: string, run: (folder: string) => Promise<void>): Promise<void> {
    const disk = mkdtempSync(join(root, 'disk-'))
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', disk]).status).toBe(0)
    try {
      await run(join(disk, 'store'))
    } finally {
      spawnSync('umount', [disk])
    }
  }

  test('a commit is refused as that, nothing is lost, and it goes on when there is room again', () =>
    on('2m', async (folder) => {
      const value = 'x'.repeat(20_000)
      let written = 0
      {
        await using store = open(folder)
        const fill = async (): Promise<void> => {
          for (;;) written = await store.commit([{ put: `k${written + 1}`, value }])
        }
        await expect(fill()).rejects.toThrow(NoRoom)
        await expect(fill()).rejects.toThrow(/the disk of the store .* is full: nothing was written/)
        expect(written).toBeGreaterThan(10)
        const { revision, entries } = await store.list('')
        expect(revision).toBe(written)
        expect(entries).toHaveLength(written)
        expect(spawnSync('mount', ['-o', 'remount,size=8m', join(folder, '..')]).status).toBe(0)
        written = await store.commit([{ put: 'later', value }])
      }
      await using again = open(folder)
      expect(await again.get('later')).toEqual({ key: 'later', value, revision: written })
      expect((await again.list('k')).entries.every((entry) => entry.value === value)).toBe(true)
    }))

  test('however often, commits of any size are refused as that', () =>
    on('4m', async (folder) => {
      await using store = open(folder)
      const commit = (at: number, length: number) => store.commit([{ put: `k${at % 5}`, value: 'x'.repeat(length) }])
      for (let at = 0; at < 20; at++) await commit(at, 2000)
      const { entries } = await store.list('')
      const rest = join(folder, '../rest')
      spawnSync('sh', ['-c', `cat /dev/zero > ${rest}`])
      truncateSync(rest, statSync(rest).size - 12_288)
      for (let at = 0; at < 1000; at++)
        await expect(commit(at, 1 + ((at * 7919) % 20_000)), `commit ${at}`).rejects.toThrow(NoRoom)
      expect((await store.list('')).entries).toEqual(entries)
      rmSync(rest)
      await commit(0, 20_000)
    }))

  test('where there is no room for anything, that is said', () =>
    on('1m', async (folder) => {
      spawnSync('sh', ['-c', `cat /dev/zero > ${join(folder, '../all')}`])
      expect(() => openEmbedded(folder, { lock: lockFile })).toThrow(
        `the disk of the store ${folder} is full: nothing was written`,
      )
    }))

  test.each(['4k', '8k', '16k', '24k'])('of %s, no store is begun, or it says that it is full', (size) =>
    on(size, async (folder) => {
      const begun = async (): Promise<void> => {
        await using store = open(folder)
        await store.commit([{ put: 'a', value: 'x'.repeat(30_000) }])
      }
      await expect(begun()).rejects.toThrow(Refusal)
    }),
  )
})
