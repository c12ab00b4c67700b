/** What there is on the host, and the daemon itself. */
import { describeApi } from '../../api/openapi.ts'
import { refuse } from '../../api/problem.ts'
import { interfaceText } from '../../engine/graph/graph.ts'
import type { Graphs } from './graphs.ts'
import type { Handlers } from './handlers.ts'
import type { Parts } from './parts.ts'

export function hostHandlers(
  graphs: Graphs,
  { engine, machine, network, metrics, isReady, takeDown, version, audit }: Omit<Parts, 'wanted'>,
) {
  let description: ReturnType<typeof describeApi> | undefined
  /** The ports that lead to an interface, by its name. */
  const users = (): ReadonlyMap<string, readonly string[]> => {
    const found = new Map<string, string[]>()
    const uses = (on: string, user: string) => found.set(on, [...(found.get(on) ?? []), user])
    for (const name of engine.names()) {
      const { instances, interfaces } = engine.running(name).graph
      for (const instance of instances)
        for (const { name: port, link } of instance.ports) {
          const user = `${name}/${instance.name}.${port}`
          if (link?.to === 'interface') uses(interfaceText(link), user)
          if (link?.to === 'host') uses(link.interface, `${user} (host)`)
        }
      for (const on of interfaces) for (const one of on.through) uses(interfaceText(on), `${name}/${one}`)
    }
    return found
  }
  return {
    listInterfaces: () => {
      const used = users()
      return network.interfaces().map((one) => ({ ...one, users: [...(used.get(one.name) ?? [])] }))
    },
    listNamespaces: () => network.namespaces().map((name) => ({ name })),
    takeDown: async () => ({ removed: [...(await takeDown())] }),
    getHealth: (_, { principal }) => ({
      ok: true,
      ...(principal?.by === 'socket' ? { namespace: machine.namespace } : {}),
    }),
    getReadiness: async () => {
      const counts = new Map<string, number>()
      for (const { state } of await graphs.list()) counts.set(state, (counts.get(state) ?? 0) + 1)
      if (!isReady()) throw refuse(503, 'not everything that is wanted has been looked at since the start')
      return { ok: true, graphs: Object.fromEntries(counts) }
    },
    getMetrics: () => metrics(),
    // It takes longer than all else that a daemon does until it serves.
    getDescription: () => {
      description ??= describeApi(version)
      return description
    },
    listOperations: async ({ limit, ...query }) => {
      const { operations, next } = await audit.list(limit, query)
      return { operations: [...operations], ...(next === undefined ? {} : { next }) }
    },
    getOperation: async ({ operation }) => {
      const found = await audit.get(operation)
      if (found === undefined) throw refuse(404, `nobody knows of an operation ${operation}`)
      return found
    },
  } satisfies Partial<Handlers>
}
