/** Filters as people write them → what programs are compiled with. */
import type { Filter } from '../compiler/look.ts'
import { type FlowFields, flowFilter } from '../filter/flow.ts'
import { compileFilter } from '../kernel/libpcap.ts'

/** In the words of tcpdump. A Refusal where libpcap does not understand them, or is not installed. */
export const wordsFilter = (text: string): Filter => ({ text, program: compileFilter(text) })

export function fieldsFilter(fields: FlowFields): Filter {
  const said = Object.entries(fields).filter(([, value]) => value !== undefined)
  return { text: said.map(([name, value]) => `${name} ${value}`).join(', '), program: flowFilter(fields) }
}
