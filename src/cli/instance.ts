/** Which instance somebody means. */
import type { Client } from '../api/client.ts'
import { refusal } from '../base/diagnostic.ts'
import { suggestion } from '../base/suggest.ts'
import { ofGraphs } from './listing.ts'

export interface Found {
  readonly graph: string
  readonly instance: string
}

/**
 * `office switch`, `office/switch`; where only one graph has such an instance, also `switch`, or `bridge switch` by its cube.
 * A Refusal where there is none, or more than one.
 */
export async function findInstance(client: Client, first: string, second: string | undefined): Promise<Found> {
  const [graph, instance] = second === undefined ? first.split('/') : [first, second]
  if (graph !== undefined && instance !== undefined && (await hasGraph(client, graph))) return { graph, instance }
  const [cube, name] = instance === undefined ? [undefined, first] : [graph, instance]
  const all = await instances(client)
  const found = all.filter((one) => one.instance === name && (cube === undefined || one.cube === cube))
  const [only] = found
  if (only !== undefined && found.length === 1) return { graph: only.graph, instance: only.instance }
  if (only !== undefined)
    throw refusal(
      `several graphs have an instance ${name}: ${found.map((one) => one.graph).join(', ')}`,
      `say which: ${only.graph}/${name}`,
    )
  if (cube !== undefined) {
    const known = new Set(all.map((one) => one.graph))
    throw refusal(`there is no graph ${cube}`, suggestion(cube, known))
  }
  throw refusal(
    `there is no instance ${name}`,
    suggestion(
      name,
      all.map((one) => one.instance),
    ),
  )
}

/** Also one that runs, and that nobody has told the daemon of: it is told so when something is asked of it. */
export const hasGraph = async (client: Client, graph: string): Promise<boolean> =>
  (await client.listGraphs()).body.some(({ name }) => name === graph)

const instances = (client: Client): Promise<(Found & { readonly cube: string })[]> =>
  ofGraphs(client, undefined, async (graph) =>
    Object.entries((await client.listInstances({ graph })).body).map(([instance, { cube }]) => ({
      graph,
      instance,
      cube,
    })),
  )
