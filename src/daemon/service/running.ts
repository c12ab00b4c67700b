/** A graph that runs, and its cubes, for those who read it. */

import { type ProblemError, refuse } from '../../api/problem.ts'
import { Refusal } from '../../base/diagnostic.ts'
import { suggestion } from '../../base/suggest.ts'
import type { CubeFolder } from '../../cube/catalogue.ts'
import type { Instance } from '../../engine/graph/graph.ts'
import { cubesToShow } from '../../engine/plan/cubes.ts'
import type { Running } from '../../engine/plan/records.ts'
import type { Parts } from './parts.ts'

export interface RunningGraph {
  readonly running: Running
  /** Of those that cannot be read, why. */
  readonly cubes: ReadonlyMap<string, CubeFolder | Refusal>
}

/** An instance to show, whatever has become of its cube. */
export interface ShownInstance {
  readonly running: Running
  readonly instance: Instance
  readonly folder: CubeFolder | Refusal
}

export interface RunningInstance extends ShownInstance {
  readonly folder: CubeFolder
}

/** A ProblemError of 404 where there is none, of 409 where it is wanted, and does not run just now. */
export async function runningGraph(
  { engine, catalogue, wanted }: Pick<Parts, 'engine' | 'catalogue' | 'wanted'>,
  name: string,
): Promise<RunningGraph> {
  const running = engine.find(name)
  if (running === undefined) throw await absent(engine, wanted, name)
  return { running, cubes: await cubesToShow(running, catalogue) }
}

async function absent(engine: Parts['engine'], wanted: Parts['wanted'], name: string): Promise<ProblemError> {
  if ((await wanted.get(name)) === undefined) {
    const names = [...engine.names(), ...(await wanted.list()).map((one) => one.name)]
    return refuse(404, `there is no graph ${name}`, suggestion(name, new Set(names)))
  }
  const { reason } = wanted.state(name) ?? {}
  return refuse(409, `the graph ${name} does not run now${reason === undefined ? '' : `: ${reason}`}`)
}

/** A Refusal where its cube cannot be read. */
export function instanceIn(graph: RunningGraph, name: string): RunningInstance {
  const { running, instance, folder } = shownIn(graph, name)
  if (folder instanceof Refusal) throw folder
  return { running, instance, folder }
}

export function shownIn({ running, cubes }: RunningGraph, name: string): ShownInstance {
  const { instances } = running.graph
  const instance = instances.find((one) => one.name === name)
  const folder = cubes.get(instance?.cube ?? '')
  if (instance !== undefined && folder !== undefined) return { running, instance, folder }
  const names = instances.map((one) => one.name)
  throw refuse(404, `${running.graph.name} has no instance ${name}`, suggestion(name, names))
}
