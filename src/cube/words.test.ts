import { expect, test } from 'vitest'
import { z } from 'zod'
import './words.ts'

test.each([
  [z.boolean(), 'yes', 'has to be true or false, and is "yes"'],
  [z.number(), 'x'.repeat(41), 'has to be a number, and is text'],
  [z.int(), 1.5, 'has to be a whole number, and is 1.5'],
  [z.number(), Number.POSITIVE_INFINITY, 'has to be a number, and is Infinity'],
  [z.string(), null, 'has to be text, and is nothing'],
  [z.string(), undefined, 'has to be text, and is left out'],
  [z.object({}), [], 'has to be names with values, and is a list'],
  [z.record(z.string(), z.string()), 7n, 'has to be names with values, and is 7'],
  [z.array(z.string()), {}, 'has to be a list, and is names with values'],
  [z.int().min(1), 0, 'has to be at least 1'],
  [z.number().gt(1), 1, 'has to be more than 1'],
  [z.number().max(9), 10, 'has to be at most 9'],
  [z.number().lt(9), 9, 'has to be less than 9'],
  [z.number().multipleOf(4), 9, 'has to be a multiple of 4'],
  [z.string().min(1), '', 'has to have at least 1 character'],
  [z.string().max(2), 'abc', 'has to have at most 2 characters'],
  [z.string().length(2), 'abc', 'has to have exactly 2 characters'],
  [z.array(z.string()).min(2), [], 'has to have at least 2 entries'],
  [z.enum(['tc', 'xdp']), 'tcx', 'has to be one of tc, xdp'],
  [z.literal(4), 6, 'has to be 4'],
  [z.iso.datetime(), 'now', 'has to be a time in UTC, as 2027-01-31T00:00:00Z, and is "now"'],
  [z.ipv4(), '10.0.0.300', 'has to be an IPv4 address, as 10.0.0.1, and is "10.0.0.300"'],
  [z.ipv6(), '10.0.0.3', 'has to be an IPv6 address, as fd00::1, and is "10.0.0.3"'],
  [z.cidrv4(), '10.0.0.0', 'has to be a prefix of IPv4, as 10.0.0.0/8, and is "10.0.0.0"'],
  [z.cidrv6(), 'fd00::', 'has to be a prefix of IPv6, as fd00::/8, and is "fd00::"'],
  [z.mac(), '02:00', 'has to be a MAC address, as 02:00:00:00:00:01, and is "02:00"'],
  [z.string().regex(/^a+$/), 'b', 'has to be of the form /^a+$/'],
  [z.string().regex(/^a+$/, 'only a'), 'b', 'only a'],
  [z.union([z.boolean(), z.number()]), 'b', 'is of none of the forms that it may have'],
])('%o of %o', (schema, value, message) => {
  expect(schema.safeParse(value).error?.issues.map((one) => one.message)).toEqual([message])
})
