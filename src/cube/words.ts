/** What is wrong with a value, in words: what it has to be, and what it is. They are zod's from when this module was imported. */
import { z } from 'zod'

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'names with values',
  record: 'names with values',
  null: 'nothing',
  undefined: 'left out',
  nan: 'no number',
}

/** Forms of text that have a name. */
const FORMATS: Readonly<Record<string, string>> = {
  datetime: 'a time in UTC, as 2027-01-31T00:00:00Z',
  ipv4: 'an IPv4 address, as 10.0.0.1',
  ipv6: 'an IPv6 address, as fd00::1',
  cidrv4: 'a prefix of IPv4, as 10.0.0.0/8',
  cidrv6: 'a prefix of IPv6, as fd00::/8',
  mac: 'a MAC address, as 02:00:00:00:00:01',
}

/** Characters of a text that are shown. */
const SHOWN = 40

/** What a value is: itself where it is short. */
function shown(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length <= SHOWN ? JSON.stringify(value) : 'text'
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'undefined':
      return 'left out'
    default:
      return value === null ? 'nothing' : Array.isArray(value) ? 'a list' : 'names with values'
  }
}

/** What a list, or a text, has so many of. */
const UNITS: Readonly<Record<string, readonly [one: string, more: string]>> = {
  string: ['character', 'characters'],
  array: ['entry', 'entries'],
  set: ['entry', 'entries'],
  map: ['entry', 'entries'],
  file: ['byte', 'bytes'],
}

function bounded(origin: string, bound: string, limit: number | bigint): string {
  const unit = UNITS[origin]
  return unit === undefined
    ? `has to be ${bound} ${limit}`
    : `has to have ${bound} ${limit} ${unit[Number(limit) === 1 ? 0 : 1]}`
}

function words(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return `has to be ${TYPES[issue.expected] ?? issue.expected}, and is ${shown(issue.input)}`
    case 'invalid_value':
      return `has to be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.join(', ')}`
    case 'too_small':
      return bounded(issue.origin, issue.exact ? 'exactly' : issue.inclusive ? 'at least' : 'more than', issue.minimum)
    case 'too_big':
      return bounded(issue.origin, issue.exact ? 'exactly' : issue.inclusive ? 'at most' : 'less than', issue.maximum)
    case 'not_multiple_of':
      return `has to be a multiple of ${issue.divisor}`
    case 'invalid_format': {
      const form = Object.hasOwn(FORMATS, issue.format) ? FORMATS[issue.format] : undefined
      return form === undefined
        ? `has to be of the form ${issue.pattern ?? issue.format}`
        : `has to be ${form}, and is ${shown(issue.input)}`
    }
    case 'invalid_union':
      return 'is of none of the forms that it may have'
    default:
      return undefined
  }
}

z.config({ localeError: words })
