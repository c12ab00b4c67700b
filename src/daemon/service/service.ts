/** All handlers. */
import { cubeHandlers } from './cubes.ts'
import { Graphs, graphHandlers } from './graphs.ts'
import type { Handlers } from './handlers.ts'
import { hostHandlers } from './host.ts'
import { lookingHandlers } from './looking.ts'
import type { Parts } from './parts.ts'
import { stateHandlers } from './state.ts'
import { statusHandlers } from './status.ts'

export function createHandlers(parts: Parts): Handlers {
  const graphs = new Graphs(parts)
  return {
    ...graphHandlers(graphs),
    ...statusHandlers(graphs, parts),
    ...stateHandlers(parts),
    ...cubeHandlers(parts),
    ...hostHandlers(graphs, parts),
    ...lookingHandlers(parts),
    watchEvents: ({ graph }, { lastEventId, signal }) => only(graph, parts.events.follow(lastEventId, signal)),
  }
}

async function* only<E extends { readonly graph?: string | undefined }>(
  graph: string | undefined,
  events: AsyncIterable<E>,
) {
  for await (const event of events)
    if (graph === undefined || event.graph === undefined || event.graph === graph) yield event
}
