/** Graphs and their parts: all of them are changes of a document, by one way. */
import { ProblemError, pointerOf, problem, refuse } from '../../api/problem.ts'
import type { Input, Output } from '../../api/routes.ts'
import { merged } from '../../base/merge-patch.ts'
import { suggestion } from '../../base/suggest.ts'
import { type GraphDocument, graphShape } from '../../cube/document.ts'
import { describeActions } from '../../engine/plan/plan.ts'
import { ImportedApart } from '../cubes/apart.ts'
import {
  attached,
  attachmentsOf,
  connected,
  detached,
  type Edit,
  hasInstance,
  hasPort,
  instanceOf,
  linksOf,
  patchedInstance,
  patchedPort,
  portOf,
  withInstance,
  withoutInstance,
  withoutLink,
  withoutPort,
  withPort,
} from './edits.ts'
import type { Context, Handlers } from './handlers.ts'
import type { Parts } from './parts.ts'
import type { Expected, Made, WantedGraph } from './wanted.ts'

type Change = Output<'putGraph'>

/** How often an edit is done again on what somebody else has made of it. */
const TRIES = 10

export class Graphs {
  private readonly parts: Pick<Parts, 'wanted' | 'engine' | 'catalogue'>
  private readonly apart = new ImportedApart()

  constructor(parts: Pick<Parts, 'wanted' | 'engine' | 'catalogue'>) {
    this.parts = parts
  }

  /** A ProblemError of 404 where nobody wants it. */
  async find(name: string): Promise<WantedGraph> {
    const found = await this.parts.wanted.get(name)
    if (found !== undefined) return found
    const isThere = this.parts.engine.names().includes(name)
    const names = (await this.parts.wanted.list()).map(({ name }) => name)
    throw isThere
      ? refuse(404, `the graph ${name} was applied without the daemon, which does not know its document`, 'apply it')
      : refuse(404, `there is no graph ${name}`, suggestion(name, names))
  }

  async list(): Promise<Output<'listGraphs'>> {
    const { wanted, engine } = this.parts
    const graphs = await wanted.list()
    const known = new Set(graphs.map(({ name }) => name))
    const others = engine.names().filter((name) => !known.has(name))
    return [
      ...graphs.map(({ name, revision, document: { instances } }) => ({
        name,
        ...(wanted.state(name) ?? { state: 'changing' as const }),
        revision,
        instances: Object.keys(instances).length,
        ports: Object.values(instances).reduce((sum, { ports = {} }) => sum + Object.keys(ports).length, 0),
      })),
      ...others.map((name) => ({ name, state: 'unmanaged' as const, instances: 0, ports: 0 })),
    ].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** The whole of it, whether it is there or not. */
  async put({ graph, dryRun, body }: Input<'putGraph'>, context: Context): Promise<Change> {
    if (body.graph !== graph)
      throw new ProblemError(
        problem(422, `the document is of the graph ${body.graph}`, {
          errors: [
            { pointer: '/graph', detail: `the document is of the graph ${body.graph}`, remedy: `graph: ${graph}` },
          ],
        }),
      )
    const isNew = (await this.parts.wanted.get(graph)) === undefined
    return this.make(graph, body, dryRun, context.expected, context, isNew)
  }

  /** Some of what there is: as it was just read, unless it is said which revision is meant. Whoever comes in between comes first. */
  async edit(
    { graph, dryRun }: { readonly graph: string; readonly dryRun: boolean },
    edit: Edit,
    context: Context,
    isNew: (document: GraphDocument) => boolean = () => false,
  ): Promise<Change> {
    const { none, revision: meant } = context.expected
    const isMeant = meant !== undefined && meant !== '*'
    for (let tries = isMeant ? 0 : TRIES; ; tries--) {
      const { document, revision } = await this.find(graph)
      if (none === true && !isNew(document)) throw refuse(412, `${graph} has it already, at revision ${revision}`)
      const expected = { revision: isMeant ? meant : revision }
      try {
        return await this.make(graph, edit(document), dryRun, expected, context, isNew(document))
      } catch (error) {
        const isOther = (await this.parts.wanted.get(graph))?.revision !== revision
        if (tries === 0 || !isOther) throw error
      }
    }
  }

  async patch({ graph, dryRun, body }: Input<'patchGraph'>, context: Context): Promise<Change> {
    return this.edit(
      { graph, dryRun },
      (document) => {
        const result = merged(document, body) as GraphDocument
        if (result.graph !== graph)
          throw new ProblemError(
            problem(422, 'a graph keeps its name', {
              errors: [{ pointer: '/graph', detail: 'a graph keeps its name' }],
            }),
          )
        return result
      },
      context,
    )
  }

  async delete({ graph, dryRun }: Input<'deleteGraph'>, context: Context): Promise<Change> {
    const { wanted, engine } = this.parts
    if ((await wanted.get(graph)) === undefined && !engine.names().includes(graph)) await this.find(graph)
    const made = dryRun
      ? await wanted.planDeletion(graph, context.expected)
      : await wanted.delete(graph, context.expected)
    return changeOf(graph, dryRun, made)
  }

  private async make(
    graph: string,
    document: GraphDocument,
    dryRun: boolean,
    expected: Expected,
    context: Context,
    isNew: boolean,
  ): Promise<Change> {
    const { wanted, catalogue } = this.parts
    checkCubes(document, await wanted.get(graph), context)
    const changed = new Map<string, () => void>()
    const goBack = () => {
      for (const back of changed.values()) back()
    }
    try {
      for (const folder of foldersIn(document)) {
        await this.apart.check(folder)
        const back = catalogue.renew(folder)
        if (back !== undefined) changed.set(folder, back)
      }
      const made = await (dryRun
        ? wanted.plan(graph, document, expected)
        : wanted.put(graph, document, expected, goBack))
      if (isNew && !dryRun) context.created()
      if (made.revision !== undefined) context.revision(made.revision)
      if (dryRun) goBack()
      const warnings = dryRun ? [] : await this.goOver(graph, changed)
      return changeOf(graph, dryRun, made, warnings)
    } catch (error) {
      // What runs is as its cubes were.
      goBack()
      throw error
    }
  }

  /** Other graphs with cubes in these folders, whose files have changed, are made of what is in them now. What kept some from it. */
  private async goOver(graph: string, changed: ReadonlyMap<string, unknown>): Promise<readonly string[]> {
    const { wanted } = this.parts
    const warnings: string[] = []
    for (const { name, document, revision } of changed.size === 0 ? [] : await wanted.list()) {
      if (name === graph || ![...foldersIn(document)].some((folder) => changed.has(folder))) continue
      try {
        await wanted.put(name, document, { revision })
      } catch (error) {
        warnings.push(
          `the graph ${name} has a cube that changed, and is as it was: ${error instanceof Error ? error.message : error}`,
        )
      }
    }
    return warnings
  }
}

/** Of cubes that are named by them. */
function foldersIn(document: GraphDocument): ReadonlySet<string> {
  const { data } = graphShape.safeParse(document)
  const cubes = Object.values(data?.instances ?? {}).map(({ cube }) => cube)
  return new Set(cubes.filter((cube) => cube.startsWith('/')))
}

/** A cube that is named by its folder is code that the daemon would run: who brings it has to be admin. */
function checkCubes(document: GraphDocument, before: WantedGraph | undefined, { principal }: Context): void {
  const shaped = graphShape.safeParse(document)
  // What a patch has made of it need not be a graph: whoever reads it says why.
  if (!shaped.success) return
  const known = new Set(Object.values(before?.document.instances ?? {}).map(({ cube }) => cube))
  for (const [name, { cube }] of Object.entries(shaped.data.instances)) {
    const refusing = (status: number, detail: string, remedy: string): ProblemError =>
      new ProblemError(
        problem(status, detail, { errors: [{ pointer: pointerOf(['instances', name, 'cube']), detail, remedy }] }),
      )
    if (cube.startsWith('.'))
      throw refusing(422, `nobody knows from where ${cube} leads`, 'write a whole path, from / on')
    if (cube.startsWith('/') && !known.has(cube) && principal?.role !== 'admin')
      throw refusing(403, 'a cube in a folder is brought by an admin', 'tessera cube add')
  }
}

function changeOf(
  graph: string,
  dryRun: boolean,
  { actions, revision, lost, left }: Made,
  warnings: readonly string[] = [],
): Change {
  return {
    graph,
    dryRun,
    ...(revision === undefined ? {} : { revision }),
    actions: actions.map((action) => ({
      do: action.do,
      path: action.path,
      text: describeActions([action])[0] ?? action.do,
    })),
    lost,
    warnings: [...(left === undefined ? [] : [left]), ...warnings],
  }
}

/** Of graphs, instances, ports, links and attachments. */
export function graphHandlers(graphs: Graphs) {
  const documentOf = async (graph: string) => (await graphs.find(graph)).document
  return {
    listGraphs: () => graphs.list(),
    getGraph: async ({ graph }, { revision }) => {
      const found = await graphs.find(graph)
      revision(found.revision)
      return found.document
    },
    putGraph: (input, context) => graphs.put(input, context),
    patchGraph: (input, context) => graphs.patch(input, context),
    deleteGraph: (input, context) => graphs.delete(input, context),

    listInstances: async ({ graph }) => (await documentOf(graph)).instances,
    getInstance: async ({ graph, instance }) => instanceOf(await documentOf(graph), instance),
    putInstance: (input, context) =>
      graphs.edit(
        input,
        withInstance(input.instance, input.body),
        context,
        (before) => !hasInstance(before, input.instance),
      ),
    patchInstance: (input, context) => graphs.edit(input, patchedInstance(input.instance, input.body), context),
    deleteInstance: (input, context) => graphs.edit(input, withoutInstance(input.instance), context),

    listPorts: async ({ graph, instance }) => instanceOf(await documentOf(graph), instance).ports ?? {},
    getPort: async ({ graph, instance, port }) => portOf(await documentOf(graph), instance, port),
    putPort: (input, context) =>
      graphs.edit(
        input,
        withPort(input.instance, input.port, input.body),
        context,
        (before) => !hasPort(before, input.instance, input.port),
      ),
    patchPort: (input, context) => graphs.edit(input, patchedPort(input.instance, input.port, input.body), context),
    deletePort: (input, context) => graphs.edit(input, withoutPort(input.instance, input.port), context),

    listLinks: async ({ graph }) => [...linksOf(await documentOf(graph))],
    connect: (input, context) => graphs.edit(input, connected(input.body), context),
    disconnect: (input, context) => graphs.edit(input, withoutLink(input.end), context),
    listAttachments: async ({ graph }) => [...attachmentsOf(await documentOf(graph))],
    attach: (input, context) =>
      graphs.edit(
        input,
        attached(input.instance, input.body),
        context,
        (before) => !hasInstance(before, input.instance),
      ),
    detach: (input, context) => graphs.edit(input, detached(input.instance), context),
  } satisfies Partial<Handlers>
}
