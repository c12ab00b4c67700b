import { once } from 'node:events'
import { type Client, ProblemError, Unreachable } from '../../api/client.ts'
import { Refusal, refusal } from '../../base/diagnostic.ts'
import { openKernelHost, openVirtualHost } from '../../daemon/host.ts'
import { rehearse } from '../../daemon/rehearsal.ts'
import type { GraphFile } from '../../engine/graph/graph.ts'
import { type Action, describeActions } from '../../engine/plan/plan.ts'
import type { HookPoint } from '../../isa/program.ts'
import { describeChange } from '../changes.ts'
import type { Attach, Options } from '../commands/apply.ts'
import { attachedAt, type GraphSource, sourcesOf } from '../documents.ts'
import { wrongUsage } from '../exit.ts'
import { refusalOf } from '../problems.ts'
import { daemonIfThere, nobodyThere } from '../reach.ts'
import { printRehearsal } from '../rehearsal.ts'
import { untilInterrupted } from '../signals.ts'

const WATCHING = 'watching interfaces; Ctrl-C ends it\n'

const POINTS: Readonly<Record<Attach, HookPoint>> = {
  auto: 'tc ingress',
  tcx: 'tc ingress',
  clsact: 'tc ingress',
  egress: 'tc egress',
  xdp: 'xdp',
  'xdp-native': 'xdp native',
  'xdp-generic': 'xdp generic',
}

export async function apply(words: readonly string[], options: Options): Promise<void> {
  const { attach, dryRun = false, watch = false } = options
  const written = await sourcesOf(filesOf(words, options.file))
  const sources = written.map((source) => attachedAt(source, attach && POINTS[attach]))
  if (options.machine === 'vm') return rehearseAll(sources, dryRun)
  using client = await daemonIfThere(options)
  if (client === undefined) return here(sources, options)
  if (attach === 'tcx' || attach === 'clsact')
    throw refusal(
      `how programs get on interfaces is for the daemon to choose, and --attach ${attach} for this process alone`,
      'say --attach auto, or --local',
    )
  await inTurn(sources, dryRun, (source) => byDaemon(client, source, dryRun))
  if (watch && !dryRun) await followed(client, new Set(sources.map(({ name }) => name)))
}

/**
 * One after the other, for one may give up an interface that the next one takes: that cannot be told before. Where one is refused, it is
 * said what became of the others.
 */
async function inTurn<T extends { readonly name: string }>(
  graphs: readonly T[],
  dryRun: boolean,
  run: (graph: T) => Promise<void>,
): Promise<void> {
  for (const [index, graph] of graphs.entries()) {
    try {
      await run(graph)
    } catch (error) {
      const cause = error instanceof Unreachable ? nobodyThere(error) : error
      if (dryRun || graphs.length === 1 || !(cause instanceof Refusal)) throw error
      const names = (some: readonly T[]) => some.map(({ name }) => name).join(', ') || 'none'
      const message = `applied before ${graph.name}: ${names(graphs.slice(0, index))}; not tried: ${names(graphs.slice(index + 1))}`
      throw new Refusal([...cause.diagnostics, { message, remedy: 'mend it, and run the command again' }], {
        cause: error,
      })
    }
  }
}

/** Those that are said as they are, and with -f. */
export function filesOf(words: readonly string[], more: readonly string[] = []): readonly string[] {
  const files = [...words, ...more]
  if (files.length === 0)
    throw wrongUsage("missing required argument 'file': name a graph file, or - for standard input")
  return files
}

async function byDaemon(client: Client, source: GraphSource, dryRun: boolean): Promise<void> {
  const { status, body } = await asked(source, () =>
    client.putGraph({ graph: source.name, dryRun, body: source.document }),
  )
  console.log(describeChange(body))
  if (dryRun) return
  console.log(
    `graph ${source.name} ${status === 201 ? 'is new, and runs' : 'runs'}; tessera show ${source.name} tells how it does`,
  )
}

/** The daemon repairs them in any case: this tells of it, until it is interrupted. */
async function followed(client: Client, graphs: ReadonlySet<string>): Promise<void> {
  const end = new AbortController()
  using _interrupted = untilInterrupted(() => end.abort())
  const { body } = await client.watchEvents({}, { signal: end.signal })
  process.stderr.write(WATCHING)
  try {
    for await (const { graph, text } of body) if (graph === undefined || graphs.has(graph)) console.log(text)
  } catch (error) {
    if (!end.signal.aborted) throw error
  }
}

/** What a daemon refuses about a graph is told with lines of its file. */
export async function asked<T>({ file, place }: GraphSource, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    throw refusalOf(error.problem, place, file)
  }
}

async function rehearseAll(sources: readonly GraphSource[], dryRun: boolean): Promise<void> {
  for (const source of sources) {
    using host = openVirtualHost()
    const rehearsal = await rehearse(host, await source.read(host.catalogue), { dryRun })
    console.log(dryRun ? printActions(rehearsal.actions) : printRehearsal(rehearsal))
  }
}

/** All are read before the first is applied. */
async function here(
  sources: readonly GraphSource[],
  { attach, dryRun = false, watch = false }: Options,
): Promise<void> {
  using host = openKernelHost(attach === 'tcx' || attach === 'clsact' ? { attach } : {})
  const graphs: (GraphFile & { readonly name: string })[] = []
  for (const source of sources) graphs.push({ ...(await source.read(host.catalogue)), name: source.name })
  await inTurn(graphs, dryRun, async (graph) => {
    if (dryRun) return console.log(printActions((await host.engine.plan(graph)).actions))
    const { actions, running, lost, left } = await host.engine.apply(graph)
    console.log(printActions(actions))
    if (lost > 0) console.log(`${lost} entries have no room in a table that is smaller now`)
    if (left !== undefined) console.log(`warning: ${left}`)
    console.log(`graph ${running.graph.name} runs; tessera show ${running.graph.name} tells how it does`)
  })
  if (!watch || dryRun) return
  const end = new AbortController()
  using _interrupted = untilInterrupted(() => end.abort())
  using _watch = host.engine.watch((name, done) =>
    console.log(done instanceof Error ? done.message : `graph ${name}\n${printActions(done)}`),
  )
  process.stderr.write(WATCHING)
  if (!end.signal.aborted) await once(end.signal, 'abort')
}

const printActions = (actions: readonly Action[]): string =>
  actions.length === 0 ? 'nothing to change' : describeActions(actions).join('\n')
