import { isIPv4, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatIPv4, formatIPv6, formatMac, parseIPv4, parseIPv6, parseMac } from './address.ts'

const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })

describe('IPv6', () => {
  /** The addresses of RFC 5952, sections 1 to 5: as they may be written, and as they shall be. */
  test.each([
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8::1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8::0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:DB8:0:0:1::1', '2001:db8::1:0:0:1'],
    ['2001:db8:aaaa:bbbb:cccc:dddd::1', '2001:db8:aaaa:bbbb:cccc:dddd:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1::', '1::'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ['64:ff9b::10.0.0.1', '64:ff9b::a00:1'],
    ['fe80::0001', 'fe80::1'],
  ])('%s is %s', (written, canonical) => {
    expect(formatIPv6(parseIPv6(written))).toBe(canonical)
  })

  test.each([
    '',
    ':',
    ':::',
    '1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '1:2:3:4:5:6:7::8',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    '12345::',
    'g::',
    '::1.2.3',
    '::1.2.3.256',
    ' ::1',
    '::1%eth0',
    '::/0',
  ])('%j is none', (text) => {
    expect(isIPv6(text) && !text.includes('%')).toBe(false)
    expect(() => parseIPv6(text)).toThrow(RangeError)
  })

  // RFC 4291 section 2.2: the dotted form stands for the last 32 bits, and parseIPv6 takes it before `::` as well.
  test('1.2.3.4:: is none: the dotted form stands last', () => {
    expect(() => parseIPv6('1.2.3.4::')).toThrow(RangeError)
  })

  test('every address comes back, and is one to Node.js too', () => {
    // Zeros are what the short form is about, so there are many.
    const groups = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), {
      minLength: 8,
      maxLength: 8,
    })
    fc.assert(
      fc.property(groups, (values) => {
        const bytes = Uint8Array.from(values.flatMap((value) => [value >> 8, value & 0xff]))
        const text = formatIPv6(bytes)
        expect(isIPv6(text)).toBe(true)
        expect(parseIPv6(text)).toEqual(bytes)
        // The parser of URLs writes them as RFC 5952 says.
        expect(`[${text}]`).toBe(new URL(`http://[${text}]/`).hostname)
      }),
    )
  })
})

describe('IPv4', () => {
  test.each([
    '',
    '1.2.3',
    '1.2.3.',
    '1.2.3.4.',
    '1.2.3.0004',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.-4',
    '1.2.3.4 ',
    '0x1.2.3.4',
    '1..3.4',
    '1.2.3.1e1',
  ])('%j is none', (text) => {
    expect(isIPv4(text)).toBe(false)
    expect(() => parseIPv4(text)).toThrow(RangeError)
  })

  test('every address comes back, and is one to Node.js too', () => {
    fc.assert(
      fc.property(octets(4), (bytes) => {
        expect(isIPv4(formatIPv4(bytes))).toBe(true)
        expect(parseIPv4(formatIPv4(bytes))).toEqual(bytes)
      }),
    )
  })
})

describe('MAC addresses', () => {
  test('may have capitals, and are given back without', () => {
    expect(formatMac(parseMac('0A:bC:00:00:00:FF'))).toBe('0a:bc:00:00:00:ff')
  })

  test.each([
    '',
    '02:00:00:00:00',
    '02:00:00:00:00:01:02',
    '2:0:0:0:0:1',
    '02-00-00-00-00-01',
    '0g:00:00:00:00:01',
    '02:00:00:00:00:01\n',
  ])('%j is none', (text) => {
    expect(() => parseMac(text)).toThrow(RangeError)
  })

  test('every address comes back', () => {
    fc.assert(fc.property(octets(6), (bytes) => void expect(parseMac(formatMac(bytes))).toEqual(bytes)))
  })
})
