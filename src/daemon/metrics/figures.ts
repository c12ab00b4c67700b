/** What is counted in the graphs that run, as it is now: each time anew, so what is gone is told of no more. */
import { setImmediate } from 'node:timers/promises'
import { Refusal } from '../../base/diagnostic.ts'
import { Held } from '../../base/held.ts'
import type { CubeFolder } from '../../cube/catalogue.ts'
import type { PortCounters } from '../../engine/control/tables.ts'
import type { Instance } from '../../engine/graph/graph.ts'
import { mapPath } from '../../engine/graph/paths.ts'
import { sized } from '../../engine/graph/sized.ts'
import { instanceCounters } from '../../engine/look/status.ts'
import { cubesToShow } from '../../engine/plan/cubes.ts'
import type { Running } from '../../engine/plan/records.ts'
import { isKeyless, isRing } from '../../isa/program.ts'
import { describe, mapKind } from '../../lang/index.ts'
import type { Host } from '../host.ts'
import { Fill } from './fill.ts'

export interface InstanceFigures {
  readonly graph: string
  readonly instance: string
  readonly ports: readonly (PortCounters & { readonly name: string })[]
  readonly tables: readonly TableFigures[]
}

export interface TableFigures {
  readonly name: string
  readonly entries: number
  readonly capacity: number
}

/** Milliseconds in which a table is counted once, at most. */
const SELDOM = 10_000
/** Instances that are read in one turn of the event loop. */
const TURN = 20

/** Reads instances one after the other, with turns for others in between. */
export class Figures {
  private readonly host: Pick<Host, 'engine' | 'machine' | 'catalogue'>
  private readonly fill: Fill

  /** `now` in milliseconds. */
  constructor(host: Pick<Host, 'engine' | 'machine' | 'catalogue'>, now: () => number) {
    this.host = host
    this.fill = new Fill(now, SELDOM)
  }

  async *read(): AsyncGenerator<InstanceFigures> {
    const { engine, catalogue } = this.host
    let turn = 0
    for (const name of engine.names()) {
      try {
        const running = engine.running(name)
        const cubes = await cubesToShow(running, catalogue)
        for (const instance of running.graph.instances) {
          const folder = cubes.get(instance.cube)
          if (folder !== undefined) yield this.instance(running, instance, folder)
          if (++turn % TURN === 0) await setImmediate()
        }
      } catch (error) {
        // It went just now, or is half-done: others are told of.
        if (!(error instanceof Refusal)) throw error
      }
    }
    this.fill.tidy()
  }

  private instance(running: Running, instance: Instance, folder: CubeFolder | Refusal): InstanceFigures {
    const { machine } = this.host
    const graph = running.graph.name
    using held = new Held()
    const state = folder instanceof Refusal ? {} : sized(folder.cube, instance.entries).state
    const tables = Object.entries(state).flatMap(([name, table]): TableFigures[] => {
      const description = describe(table)
      const kind = mapKind(table.kind)
      // The others are always full, or cannot be listed.
      if (isRing(kind) || isKeyless(kind) || kind.endsWith('array')) return []
      const path = mapPath(graph, instance.name, name)
      const count = () => {
        const map = machine.openMap(path, description)
        return map === undefined ? undefined : held.use(map).entries().length
      }
      const entries = this.fill.count(path, count)
      return entries === undefined ? [] : [{ name, entries, capacity: description.entries }]
    })
    return { graph, instance: instance.name, ports: instanceCounters(machine, running, instance, folder), tables }
  }
}
