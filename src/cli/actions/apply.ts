import { once } from 'node:events'
import { type Client, ProblemError } from '../../api/client.ts'
import { refusal } from '../../base/diagnostic.ts'
import { openKernelHost, openVirtualHost } from '../../daemon/host.ts'
import { rehearse } from '../../daemon/rehearsal.ts'
import { type Action, describeActions } from '../../engine/plan.ts'
import type { HookPoint } from '../../isa/program.ts'
import { describeChange } from '../changes.ts'
import type { Attach, Options } from '../commands/apply.ts'
import { attachedAt, type GraphSource, sourcesOf } from '../documents.ts'
import { wrongUsage } from '../exit.ts'
import { refusalOf } from '../problems.ts'
import { daemonIfThere } from '../reach.ts'
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
  for (const source of sources) await byDaemon(client, source, dryRun)
  if (watch && !dryRun) await followed(client, new Set(sources.map(({ name }) => name)))
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
  const graphs = []
  for (const source of sources) graphs.push(await source.read(host.catalogue))
  for (const graph of graphs) {
    if (dryRun) {
      console.log(printActions((await host.engine.plan(graph)).actions))
      continue
    }
    const { actions, running, lost, left } = await host.engine.apply(graph)
    console.log(printActions(actions))
    if (lost > 0) console.log(`${lost} entries have no room in a table that is smaller now`)
    if (left !== undefined) console.log(`warning: ${left}`)
    console.log(`graph ${running.graph.name} runs; tessera show ${running.graph.name} tells how it does`)
  }
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
