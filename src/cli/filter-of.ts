import { refusal } from '../base/diagnostic.ts'
import type { Filter } from '../compiler/look.ts'
import { fieldsFilter, wordsFilter } from '../daemon/filter.ts'
import type { FilterOptions } from './filter.ts'

/** What was asked for; undefined where all packets were. */
export function filterOf({ filter, ...fields }: FilterOptions): Filter | undefined {
  const said = Object.entries(fieldsOf(fields)).filter(([, value]) => value !== undefined)
  if (filter !== undefined && said.length > 0)
    throw refusal('a filter is said in words or in fields, and here are both', `say --filter alone, or leave it out`)
  if (filter !== undefined) return wordsFilter(filter)
  return said.length === 0 ? undefined : fieldsFilter(fieldsOf(fields))
}

const fieldsOf = ({
  source,
  destination,
  host,
  protocol,
  sourcePort,
  destinationPort,
  port,
  vlan,
}: Omit<FilterOptions, 'filter'>) => ({
  source,
  destination,
  host,
  protocol,
  sourcePort,
  destinationPort,
  port,
  vlan,
})

/** For a daemon: in tcpdump's words alone. */
export function filterWords({ filter, ...fields }: FilterOptions): string | undefined {
  const said = Object.entries(fieldsOf(fields)).find(([, value]) => value !== undefined)
  if (said === undefined) return filter
  throw refusal(`a daemon takes filters in words, and --${said[0]} is a field`, "say --filter and tcpdump's words")
}
