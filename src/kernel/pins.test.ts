import { existsSync, mkdirSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { mapInfo, pinObject } from './bpf.ts'
import { describeKernel, scratch, u32, u64 } from './fixtures.ts'
import { KernelMap } from './maps.ts'
import { openPin, pin, pinned, replacePin, unpin, withPin } from './pins.ts'

const root = scratch('pins')

describeKernel('pins', () => {
  const open: KernelMap[] = []
  const map = (entries = 1) => {
    const made = KernelMap.create('pinned', { kind: 'array', key: u32, value: u64, entries })
    open.push(made)
    return made
  }

  afterEach(() => {
    for (const each of open.splice(0)) each[Symbol.dispose]()
    for (const path of pinned(root)) unpin(path)
    expect(pinned(root)).toEqual([])
  })

  test('are listed deepest first, and folders go with their last pin', () => {
    for (const path of ['a', 'deep/er/one', 'deep/er/two', 'deep/three']) pin(`${root}/${path}`, map().fd)
    expect(pinned(root)).toEqual(['deep/er/one', 'deep/er/two', 'deep/three', 'a'].map((path) => `${root}/${path}`))
    expect(pinned(`${root}/deep/er`)).toEqual([`${root}/deep/er/one`, `${root}/deep/er/two`])
    unpin(`${root}/deep/er/one`)
    unpin(`${root}/deep/er/two`)
    expect(pinned(root)).toEqual([`${root}/deep/three`, `${root}/a`])
  })

  test('what is pinned is opened; what is not, or is a folder, is not', () => {
    pin(`${root}/folder/map`, map(3).fd)
    expect(withPin(`${root}/folder/map`, (fd) => mapInfo(fd))).toMatchObject({ entries: 3 })
    for (const path of ['folder', 'nothing', 'folder/map/below']) expect(openPin(`${root}/${path}`)).toBeUndefined()
  })

  test('a pin is replaced', () => {
    pin(`${root}/map`, map(3).fd)
    replacePin(`${root}/map`, map(4).fd)
    expect(withPin(`${root}/map`, (fd) => mapInfo(fd))).toMatchObject({ entries: 4 })
    expect(pinned(root)).toEqual([`${root}/map`])
  })

  test('a replacement that a killed process left half done is neither listed nor in the way', () => {
    pin(`${root}/folder/map`, map().fd)
    leaveHalf(map(2).fd)
    expect(pinned(`${root}/folder`)).toEqual([`${root}/folder/map`])
    replacePin(`${root}/folder/map`, map(5).fd)
    expect(withPin(`${root}/folder/map`, (fd) => mapInfo(fd))).toMatchObject({ entries: 5 })
    leaveHalf(map(2).fd)
    unpin(`${root}/folder/map`)
    expect(existsSync(`/sys/fs/bpf/tessera/${root}`)).toBe(false)
  })

  /** What replacePin makes before it renames. */
  const leaveHalf = (fd: number) => expect(pinObject(`/sys/fs/bpf/tessera/${root}/folder/map~`, fd)).toBe(0)

  test('an empty folder is listed, and unpinned like a pin', () => {
    pin(`${root}/map`, map().fd)
    mkdirSync(`/sys/fs/bpf/tessera/${root}/empty/er`, { recursive: true })
    expect(pinned(root)).toEqual([`${root}/empty/er`, `${root}/map`])
    unpin(`${root}/empty/er`)
    expect(pinned(root)).toEqual([`${root}/map`])
  })

  test('unpinning what is not there is done already', () => {
    unpin(`${root}/nothing/here`)
    pin(`${root}/map`, map().fd)
    unpin(`${root}/nothing`)
    expect(pinned(root)).toEqual([`${root}/map`])
  })

  test('a folder with pins in it is not unpinned', () => {
    pin(`${root}/folder/map`, map().fd)
    expect(() => unpin(`${root}/folder`)).toThrow(/unpin ".*folder": ENOTEMPTY/)
    expect(pinned(root)).toEqual([`${root}/folder/map`])
  })

  test('where something is pinned, nothing else is', () => {
    pin(`${root}/map`, map().fd)
    expect(() => pin(`${root}/map`, map().fd)).toThrow(/EEXIST .*\n.*unpin it first/)
    expect(() => pin(`${root}/map/below`, map().fd)).toThrow(/EEXIST/)
  })

  test.each(['', '/a', 'a/', 'a//b', 'eth0.100', '../bpf', 'a b', 'a~', 'ü'])('"%s" is no path', (path) => {
    expect(() => pin(path, 0)).toThrow(/is no path to pin at/)
  })
})
