/** A graph that runs, and its cubes, for those who read it. */
import { refuse } from '../../api/problem.ts'
import { suggestion } from '../../base/suggest.ts'
import type { CubeFolder } from '../../cube/catalogue.ts'
import { cubesOf, type Instance } from '../../engine/graph.ts'
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
  const names = engine.names()
  if (!names.includes(name)) {
    if ((await wanted.get(name)) === undefined)
      throw refuse(
        404,
        `there is no graph ${name}`,
        suggestion(name, [...names, ...(await wanted.list()).map((one) => one.name)]),
      )
    const { reason } = wanted.state(name) ?? {}
    throw refuse(409, `the graph ${name} does not run now${reason === undefined ? '' : `: ${reason}`}`)
  }
  const running = engine.running(name)
  return { running, cubes: await cubesOf(running.graph, running.file, catalogue) }
}

export function instanceIn({ running, cubes }: RunningGraph, name: string): RunningInstance {
  const { instances } = running.graph
  const instance = instances.find((one) => one.name === name)
  const folder = cubes.get(instance?.cube ?? '')
  if (instance !== undefined && folder !== undefined) return { running, instance, folder }
  const names = instances.map((one) => one.name)
  throw refuse(404, `${running.graph.name} has no instance ${name}`, suggestion(name, names))
}
