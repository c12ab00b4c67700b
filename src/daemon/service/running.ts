/** A graph that runs, and its cubes, for those who read it. */
import { type ProblemError, refuse } from '../../api/problem.ts'
import { suggestion } from '../../base/suggest.ts'
import type { CubeFolder } from '../../cube/catalogue.ts'
import { cubesOf } from '../../engine/cubes.ts'
import type { Instance } from '../../engine/graph.ts'
import type { Running } from '../../engine/records.ts'
import type { Parts } from './parts.ts'

export interface RunningGraph {
  readonly running: Running
  readonly cubes: ReadonlyMap<string, CubeFolder>
}

export interface RunningInstance {
  readonly running: Running
  readonly instance: Instance
  readonly folder: CubeFolder
}

/** A ProblemError of 404 where there is none, of 409 where it is wanted, and does not run just now. */
export async function runningGraph(
  { engine, catalogue, wanted }: Pick<Parts, 'engine' | 'catalogue' | 'wanted'>,
  name: string,
): Promise<RunningGraph> {
  const running = engine.find(name)
  if (running === undefined) throw await absent(engine, wanted, name)
  return { running, cubes: await cubesOf(running, catalogue) }
}

async function absent(engine: Parts['engine'], wanted: Parts['wanted'], name: string): Promise<ProblemError> {
  if ((await wanted.get(name)) === undefined) {
    const names = [...engine.names(), ...(await wanted.list()).map((one) => one.name)]
    return refuse(404, `there is no graph ${name}`, suggestion(name, new Set(names)))
  }
  const { reason } = wanted.state(name) ?? {}
  return refuse(409, `the graph ${name} does not run now${reason === undefined ? '' : `: ${reason}`}`)
}

export function instanceIn({ running, cubes }: RunningGraph, name: string): RunningInstance {
  const { instances } = running.graph
  const instance = instances.find((one) => one.name === name)
  const folder = cubes.get(instance?.cube ?? '')
  if (instance !== undefined && folder !== undefined) return { running, instance, folder }
  const names = instances.map((one) => one.name)
  throw refuse(404, `${running.graph.name} has no instance ${name}`, suggestion(name, names))
}
