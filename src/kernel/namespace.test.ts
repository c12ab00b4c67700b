import { execFileSync } from 'node:child_process'
import { readlinkSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { afterEach, expect, test } from 'vitest'
import { describeKernel, scratch } from './fixtures.ts'
import { createNamespace, inNamespace, namespaces, removeNamespace } from './namespace.ts'
import { ownNamespace } from './namespace-file.ts'
import { createBridge, findLink, links } from './netlink/link.ts'

const here = () => readlinkSync('/proc/thread-self/ns/net')
const ipNetns = (...words: readonly string[]) => execFileSync('ip', ['netns', ...words], { encoding: 'utf8' })

describeKernel('network namespaces', () => {
  const [a, b] = [scratch('a'), scratch('b')]

  afterEach(() => {
    for (const name of [a, b]) removeNamespace(name)
  })

  test('iproute2 sees ours, and we see its', () => {
    createNamespace(a)
    ipNetns('add', b)
    expect(namespaces()).toEqual(expect.arrayContaining([a, b]))
    expect(ipNetns('list')).toMatch(a)
    expect(ipNetns('exec', a, 'ip', '-brief', 'link')).toMatch(/^lo /)
    expect(inNamespace(b, () => findLink('lo')?.name)).toBe('lo')
    ipNetns('del', a)
    expect(removeNamespace(b)).toBe(true)
    expect(removeNamespace(b)).toBe(false)
    expect(namespaces()).not.toEqual(expect.arrayContaining([a]))
  })

  test('a new one has loopback up and nothing else that is up', () => {
    createNamespace(a)
    expect(inNamespace(a, links).filter(({ up }) => up)).toMatchObject([{ name: 'lo' }])
  })

  test('child processes inherit the namespace; this process is back afterwards', () => {
    const before = here()
    createNamespace(a)
    createNamespace(b)
    expect(here()).toBe(before)
    const names = inNamespace(a, () => {
      createBridge('only-in-a')
      expect(inNamespace(b, () => findLink('only-in-a'))).toBeUndefined()
      return execFileSync('ip', ['-brief', 'link'], { encoding: 'utf8' })
    })
    expect(names).toMatch(/only-in-a/)
    expect(here()).toBe(before)
    expect(findLink('only-in-a')).toBeUndefined()
  })

  test('each has a name, and one that another has again is told from it', () => {
    const seen: string[] = []
    for (let times = 0; times < 3; times++) {
      createNamespace(a)
      seen.push(inNamespace(a, ownNamespace))
      expect(inNamespace(a, ownNamespace)).toBe(seen.at(-1))
      removeNamespace(a)
    }
    const kernel = release().split('.').map(Number)
    const hasCookies = (kernel[0] ?? 0) > 5 || (kernel[0] === 5 && (kernel[1] ?? 0) >= 14)
    for (const one of [ownNamespace(), ...seen]) expect(one).toMatch(hasCookies ? /^net:\[\d+\] \d+$/ : /^net:\[\d+\]$/)
    if (hasCookies) expect(new Set(seen.map((one) => one.split(' ')[1])).size).toBe(3)
  })

  test('it is back also when what ran inside throws', () => {
    const before = here()
    createNamespace(a)
    expect(() =>
      inNamespace(a, () => {
        throw new Error('inside')
      }),
    ).toThrow('inside')
    expect(here()).toBe(before)
  })

  test('a file that a killed process left without a namespace is removed like one', () => {
    createNamespace(b)
    writeFileSync(`/run/netns/${a}`, '')
    expect(() => inNamespace(a, () => 0)).toThrow(/EINVAL .*\n.*not a network namespace/)
    expect(removeNamespace(a)).toBe(true)
  })

  test('an asynchronous function would run outside, and is refused', () => {
    createNamespace(a)
    expect(() => inNamespace(a, async () => 0)).toThrow(/must not be asynchronous/)
  })

  test.each([
    { what: 'a name twice', run: () => [createNamespace(a), createNamespace(a)], says: /EEXIST .*\n.*another name/ },
    { what: 'a name with a slash', run: () => createNamespace('a/b'), says: /no name for a network namespace/ },
    { what: 'a hidden name', run: () => createNamespace('.a'), says: /no name for a network namespace/ },
    { what: 'to enter none', run: () => inNamespace('nowhere', () => 0), says: /no network namespace "nowhere"/ },
  ])('$what is refused', ({ run, says }) => {
    expect(run).toThrow(says)
  })
})
