/** A program that is nothing but a filter: what decides whether somebody looks at a packet, by itself. */
import type { ClassicProgram } from '../filter/classic.ts'
import type { Hook, Program } from '../isa/program.ts'
import { Builder } from './builder.ts'
import { checkEffort } from './effort.ts'
import { allocate } from './emit/allocate.ts'
import { emit } from './emit/emit.ts'
import { select } from './emit/select.ts'
import { tidy } from './emit/tidy.ts'
import { lowerFilter } from './lower/filter.ts'
import { passageOf } from './lower/passages.ts'
import { optimise } from './passes/optimise.ts'

export interface FilterOptions {
  readonly name: string
  readonly hook: Hook
  readonly filter: ClassicProgram
  /** What listings show beside the instructions. */
  readonly text: string
  /** What it returns. */
  readonly verdicts: { readonly matches: number; readonly misses: number }
}

export function filterProgram({ name, hook, filter, text, verdicts }: FilterOptions): Program {
  const builder = new Builder({ source: { file: 'filter', text }, span: { start: 0, end: text.length } })
  const packet = passageOf({ hook, direction: 'ingress' }, builder)
  builder.emit({ op: 'context' })
  packet.arrive()
  packet.open()
  const [matches, misses] = [builder.newBlock(), builder.newBlock()]
  lowerFilter(builder, packet, filter, packet.tag(), matches, misses)
  for (const [block, verdict] of [
    [matches, verdicts.matches],
    [misses, verdicts.misses],
  ] as const) {
    builder.enter(block)
    packet.leave(builder.constant(verdict))
  }
  packet.finish()
  const graph = builder.finish()
  packet.settle(graph, 0)
  optimise(graph)
  const code = [select(graph)]
  code.forEach(allocate)
  checkEffort(code)
  code.forEach(tidy)
  return emit(code, { name, hook, maps: {} })
}
