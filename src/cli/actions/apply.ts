import { once } from 'node:events'
import { type Client, ProblemError } from '../../api/client.ts'
import { refusal } from '../../base/diagnostic.ts'
import { openKernelHost, openVirtualHost } from '../../daemon/host.ts'
import { rehearse } from '../../daemon/rehearsal.ts'
import { type Action, describeActions } from '../../engine/plan.ts'
import { describeChange } from '../changes.ts'
import type { Attach, Options } from '../commands/apply.ts'
import { type GraphSource, sourcesOf } from '../documents.ts'
import { wrongUsage } from '../exit.ts'
import { refusalOf } from '../problems.ts'
import { daemonIfThere } from '../reach.ts'
import { printRehearsal } from '../rehearsal.ts'

const ATTACH: Readonly<Record<Attach, NonNullable<Parameters<typeof openKernelHost>[0]>>> = {
  auto: { at: 'tc ingress' },
  tcx: { at: 'tc ingress', attach: 'tcx' },
  clsact: { at: 'tc ingress', attach: 'clsact' },
  egress: { at: 'tc egress' },
  xdp: { at: 'xdp' },
  'xdp-native': { at: 'xdp', xdp: 'native' },
  'xdp-generic': { at: 'xdp', xdp: 'generic' },
}

export async function apply(words: readonly string[], options: Options): Promise<void> {
  const sources = await sourcesOf(filesOf(words, options.file))
  if (options.machine === 'vm') return rehearseAll(sources, options)
  using client = await daemonIfThere(options)
  if (client === undefined) return here(sources, options)
  for (const option of ['attach', 'watch'] as const)
    if (options[option] !== undefined)
      throw refusal(`--${option} is for this process alone, and a daemon runs`, 'leave it out, or say --local')
  for (const source of sources) await byDaemon(client, source, options.dryRun ?? false)
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

/** What a daemon refuses about a graph is told with lines of its file. */
export async function asked<T>({ file, place }: GraphSource, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    throw refusalOf(error.problem, place, file)
  }
}

async function rehearseAll(sources: readonly GraphSource[], { attach, dryRun = false }: Options): Promise<void> {
  for (const source of sources) {
    using host = openVirtualHost(attach === undefined ? {} : ATTACH[attach])
    const rehearsal = await rehearse(host, await source.read(host.catalogue), { dryRun })
    console.log(dryRun ? printActions(rehearsal.actions) : printRehearsal(rehearsal))
  }
}

/** All are read before the first is applied. */
async function here(
  sources: readonly GraphSource[],
  { attach, dryRun = false, watch = false }: Options,
): Promise<void> {
  using host = openKernelHost(attach === undefined ? {} : ATTACH[attach])
  const graphs = []
  for (const source of sources) graphs.push(await source.read(host.catalogue))
  for (const graph of graphs) {
    if (dryRun) {
      console.log(printActions((await host.engine.plan(graph)).actions))
      continue
    }
    const { actions, running, lost } = await host.engine.apply(graph)
    console.log(printActions(actions))
    if (lost > 0) console.log(`${lost} entries that were written meanwhile have no room in a table that is smaller now`)
    console.log(`graph ${running.graph.name} runs; tessera show ${running.graph.name} tells how it does`)
  }
  if (!watch || dryRun) return
  using _watch = host.engine.watch((name, done) =>
    console.log(done instanceof Error ? done.message : `graph ${name}\n${printActions(done)}`),
  )
  await Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal)))
}

const printActions = (actions: readonly Action[]): string =>
  actions.length === 0 ? 'nothing to change' : describeActions(actions).join('\n')
