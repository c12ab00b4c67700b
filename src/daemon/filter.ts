/** Filters as people write them → what programs are compiled with. */
import { refusal } from '../base/diagnostic.ts'
import type { Filter } from '../compiler/look.ts'
import { flowFilter } from '../filter/flow.ts'
import { type FlowFields, flowFieldsOf } from '../filter/flow-fields.ts'
import { compileFilter } from '../kernel/libpcap.ts'

/** In the words of tcpdump. A Refusal where libpcap does not understand them, or is not installed. */
const wordsFilter = async (text: string): Promise<Filter> => ({ text, program: await compileFilter(text) })

/** Of those that {@link flowFieldsOf} gives. */
const fieldsFilter = (fields: FlowFields): Filter => ({
  text: Object.entries(fields)
    .map(([name, value]) => `${name} ${value}`)
    .join(', '),
  program: flowFilter(fields),
})

export interface Asked extends FlowFields {
  /** In the words of tcpdump. */
  readonly filter?: string | undefined
}

/** What was asked for; undefined where all packets were. */
export async function filterOf({ filter, ...rest }: Asked): Promise<Filter | undefined> {
  const fields = flowFieldsOf(rest)
  const isSaid = Object.keys(fields).length > 0
  if (filter !== undefined && isSaid)
    throw refusal('a filter is said in words or in fields, and here are both', 'leave the one or the other out')
  if (filter !== undefined) return wordsFilter(filter)
  return isSaid ? fieldsFilter(fields) : undefined
}
