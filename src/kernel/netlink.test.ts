import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { parseMac } from '../base/address.ts'
import { describeKernel, inScratch, scratch } from './fixtures.ts'
import { createNamespace, inNamespace, removeNamespace } from './namespace.ts'
import { addAddress, deleteAddress, parsePrefix } from './netlink/address.ts'
import { filters } from './netlink/filter.ts'
import { changeLink, createBridge, createVeth, deleteLink, findLink, isInterfaceName, links } from './netlink/link.ts'
import { addClsact, deleteClsact, ingressQdiscs } from './netlink/qdisc.ts'
import { addNeighbour, addRoute } from './netlink/route.ts'
import { attribute, attributes, exchange, NLM_F, nested, numberOf, string, textOf, u32 } from './netlink.ts'

/** What iproute2 says about the namespace that this is called in, as JSON. */
const ip = (...words: readonly string[]): unknown =>
  JSON.parse(execFileSync('ip', ['-json', '-d', ...words], { encoding: 'utf8' }))

test('attributes are padded to four bytes, and read as they were written', () => {
  expect(string(3, 'lo')).toEqual(Uint8Array.of(7, 0, 3, 0, 0x6c, 0x6f, 0, 0))
  expect(nested(18, string(1, 'a'))).toEqual(Uint8Array.of(12, 0, 18, 0x80, 6, 0, 1, 0, 0x61, 0, 0, 0))
  expect(u32(4, undefined)).toHaveLength(0)
  const bytes = new Uint8Array([...string(3, 'eth1'), ...u32(4, 1500), ...nested(18, string(1, 'veth'))])
  const found = attributes(bytes)
  expect([textOf(found.get(3)), numberOf(found.get(4)), textOf(attributes(found.get(18)!).get(1))]).toEqual([
    'eth1',
    1500,
    'veth',
  ])
})

test('attributes that end inside one stop there', () => {
  expect([...attributes(Uint8Array.of(...attribute(1, Uint8Array.of(1, 2, 3, 4)), 200, 0, 2, 0)).keys()]).toEqual([1])
  expect(attributes(Uint8Array.of(0, 0, 1, 0)).size).toBe(0)
})

test.each([
  ['10.0.0.1/24', { family: 2, length: 24 }],
  ['10.0.0.1', { family: 2, length: 32 }],
  ['fd00::1/64', { family: 10, length: 64 }],
  ['::/0', { family: 10, length: 0 }],
])('%s is a prefix', (text, expected) => {
  expect(parsePrefix(text)).toMatchObject(expected)
})

test.each(['10.0.0.1/33', '10.0.0.1/', 'fd00::1/129', '10.0.0/8', '10.0.0.1/-1', '10.0.0.1/a'])(
  '%s is none',
  (text) => {
    expect(() => parsePrefix(text)).toThrow(RangeError)
  },
)

test.each([
  ['eth0', true],
  ['eth0.100', true],
  ['fifteen-letters', true],
  ['sixteen--letters', false],
  ['', false],
  ['.', false],
  ['..', false],
  ['a/b', false],
  ['a b', false],
  ['a:b', false],
])('"%s" is an interface name: %s', (name, expected) => {
  expect(isInterfaceName(name)).toBe(expected)
})

describeKernel('rtnetlink', () => {
  test('a veth pair is what was asked for', () => {
    inScratch([], () => {
      createVeth({ name: 'a', mac: parseMac('02:00:00:00:00:0a') }, { name: 'b', mac: parseMac('02:00:00:00:00:0b') })
      changeLink('a', { mtu: 1400, silent: true })
      changeLink('a', { up: true })
      expect(findLink('a')).toMatchObject({
        name: 'a',
        up: true,
        mtu: 1400,
        kind: 'veth',
        mac: parseMac('02:00:00:00:00:0a'),
      })
      expect(findLink('b')).toMatchObject({ name: 'b', up: false, mtu: 1500, mac: parseMac('02:00:00:00:00:0b') })
      expect(findLink(findLink('b')!.index)).toEqual(findLink('b'))
      expect(ip('link', 'show', 'a')).toMatchObject([{ inet6_addr_gen_mode: 'none', mtu: 1400, link: 'b' }])
      expect(links().map(({ name }) => name)).toEqual(expect.arrayContaining(['lo', 'a', 'b']))
      changeLink('a', { up: false, mac: parseMac('02:00:00:00:00:0c') })
      expect(findLink('a')).toMatchObject({ up: false, mac: parseMac('02:00:00:00:00:0c') })
      expect([deleteLink('a'), deleteLink('a'), findLink('b')]).toEqual([true, false, undefined])
    })
  })

  test('an end of a veth pair is made in another namespace, or moves there', () => {
    const other = scratch('other')
    createNamespace(other)
    try {
      inScratch([], () => {
        createVeth({ name: 'a' }, { name: 'b', namespace: other })
        expect([findLink('b'), inNamespace(other, () => findLink('b'))?.name]).toEqual([undefined, 'b'])
        changeLink('a', { namespace: other })
        expect([findLink('a'), inNamespace(other, () => findLink('a'))?.name]).toEqual([undefined, 'a'])
      })
    } finally {
      removeNamespace(other)
    }
  })

  test('a silent interface has no address of its own, though it is set up in the same breath', () => {
    inScratch([], () => {
      createVeth({ name: 'a' }, { name: 'b' })
      for (const name of ['a', 'b']) changeLink(name, { silent: true, up: true })
      expect(ip('address', 'show', 'a')).toMatchObject([{ flags: expect.arrayContaining(['LOWER_UP']), addr_info: [] }])
    })
  })

  test('a port of a bridge', () => {
    inScratch([['a', 'b']], () => {
      createBridge('switch')
      changeLink('a', { master: 'switch' })
      expect(ip('link', 'show', 'a')).toMatchObject([{ master: 'switch' }])
    })
  })

  test('addresses, routes and neighbours', () => {
    inScratch([['a', 'b']], () => {
      addAddress('a', '10.1.0.1/24')
      addAddress('a', 'fd00::1/64')
      addRoute('192.0.2.0/24', { interface: 'a', gateway: '10.1.0.2' })
      addRoute('0.0.0.0/0', { interface: 'a' })
      addRoute('::/0', { interface: 'a', gateway: 'fd00::2' })
      addNeighbour('a', '10.1.0.2', parseMac('02:00:00:00:00:0b'))
      expect(ip('address', 'show', 'a')).toMatchObject([
        {
          addr_info: [
            { local: '10.1.0.1', prefixlen: 24 },
            { local: 'fd00::1', prefixlen: 64, nodad: true },
          ],
        },
      ])
      expect(ip('route')).toMatchObject([
        { dst: 'default', dev: 'a' },
        { dst: '10.1.0.0/24', dev: 'a' },
        { dst: '192.0.2.0/24', gateway: '10.1.0.2' },
      ])
      expect(ip('-6', 'route', 'show', 'default')).toMatchObject([{ dst: 'default', gateway: 'fd00::2' }])
      expect(ip('neighbour')).toMatchObject([{ dst: '10.1.0.2', lladdr: '02:00:00:00:00:0b', state: ['PERMANENT'] }])
      deleteAddress('a', '10.1.0.1/24')
      expect(ip('-4', 'address', 'show', 'a')).not.toMatchObject([{ addr_info: [{ local: '10.1.0.1' }] }])
    })
  })

  test('the clsact qdisc', () => {
    inScratch([['a', 'b']], () => {
      const { index } = findLink('a')!
      expect([ingressQdiscs(), filters(index, 'ingress')]).toEqual([[], []])
      addClsact(index)
      expect(ingressQdiscs()).toEqual([{ interface: index, kind: 'clsact' }])
      expect(() => addClsact(index)).toThrow(/EEXIST/)
      expect([deleteClsact(index), deleteClsact(index)]).toEqual([true, false])
    })
  })

  test.each([
    { what: 'an interface twice', run: () => createBridge('a'), says: /create the bridge "a": EEXIST/ },
    { what: 'no such interface', run: () => changeLink('c', { up: true }), says: /no interface "c"\n.*`ip link`/ },
    {
      what: 'no interface name',
      run: () => createVeth({ name: 'a/b' }, { name: 'c' }),
      says: /"a\/b" is no interface name/,
    },
    {
      what: 'no such namespace',
      run: () => createVeth({ name: 'c' }, { name: 'd', namespace: 'nowhere' }),
      says: /no network namespace "nowhere"\n.*`ip netns list`/,
    },
    {
      what: "an MTU, with the kernel's own words",
      run: () => changeLink('a', { mtu: 12 }),
      says: /EINVAL .*: mtu less than/,
    },
    {
      what: 'an address twice',
      run: () => [addAddress('a', '10.0.0.1/24'), addAddress('a', '10.0.0.1/24')],
      says: /give 10.0.0.1\/24 to the interface "a": EEXIST .*\n.*has this address already/,
    },
  ])('$what is refused', ({ run, says }) => {
    inScratch([['a', 'b']], () => expect(run).toThrow(says))
  })

  test('a list longer than one answer of the kernel is complete', () => {
    inScratch([], () => {
      const names = Array.from({ length: 120 }, (_, i) => `bridge-${i}`)
      for (const name of names) createBridge(name)
      expect(links().map(({ name }) => name)).toEqual(expect.arrayContaining(names))
    })
  })

  test('a question that the kernel does not know is an errno', () => {
    expect(exchange(0xfff0, NLM_F.dump, new Uint8Array(16)).errno).not.toBe(0)
  })
})
