import type { ByValue } from '../by-value.ts'
import type { Graph } from '../ir.ts'
import { Dominators } from './dominators.ts'
import { countUses } from './graph.ts'
import { Ranges } from './ranges.ts'
import { packetStates, type States } from './states.ts'

/** What a pass changes: the ways between blocks, and perhaps values; values; or only that there are fewer of them. */
export type Change = 'ways' | 'values' | 'fewer'

/** What passes ask about a graph: found out when it is first asked for, and again when the graph has changed. */
export class Analyses {
  private readonly graph: Graph
  private dominatorsNow: Dominators | undefined
  private statesNow: States | undefined
  private usesNow: ByValue<number> | undefined
  private rangesNow: Ranges | undefined

  constructor(graph: Graph) {
    this.graph = graph
  }

  get dominators(): Dominators {
    this.dominatorsNow ??= new Dominators(this.graph)
    return this.dominatorsNow
  }

  get states(): States {
    this.statesNow ??= packetStates(this.graph)
    return this.statesNow
  }

  /** How many values and ends look at each value. */
  get uses(): ByValue<number> {
    this.usesNow ??= countUses(this.graph)
    return this.usesNow
  }

  /** The most that values can be. */
  get ranges(): Ranges {
    this.rangesNow ??= new Ranges(this.graph, 'values')
    return this.rangesNow
  }

  /** What is gone, nothing looked at: so what is known of the others still holds. */
  forget(change: Change): void {
    this.usesNow = undefined
    if (change === 'fewer') return
    if (change === 'ways') this.dominatorsNow = undefined
    this.statesNow = undefined
    this.rangesNow = undefined
  }
}
