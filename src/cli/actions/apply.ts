import { once } from 'node:events'
import { openKernelHost, openVirtualHost } from '../../daemon/host.ts'
import { rehearse } from '../../daemon/rehearsal.ts'
import { type Action, describeActions } from '../../engine/plan.ts'
import type { Attach, Options } from '../commands/apply.ts'
import { graphFile } from '../graph-file.ts'
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

export async function apply(file: string, { machine, attach, dryRun = false, watch = false }: Options): Promise<void> {
  const options = attach === undefined ? {} : ATTACH[attach]
  if (machine === 'vm') {
    using host = openVirtualHost(options)
    const rehearsal = await rehearse(host, await graphFile(file, host.catalogue), { dryRun })
    console.log(dryRun ? printActions(rehearsal.actions) : printRehearsal(rehearsal))
    return
  }
  using host = openKernelHost(options)
  const graph = await graphFile(file, host.catalogue)
  if (dryRun) {
    const { actions } = await host.engine.plan(graph)
    console.log(printActions(actions))
    return
  }
  const { actions, running, lost } = await host.engine.apply(graph)
  console.log(printActions(actions))
  if (lost > 0) console.log(`${lost} entries that were written meanwhile have no room in a table that is smaller now`)
  console.log(`graph ${running.graph.name} runs; tessera show ${running.graph.name} tells how it does`)
  if (!watch) return
  using _watch = host.engine.watch((name, done) =>
    console.log(done instanceof Error ? done.message : `graph ${name}\n${printActions(done)}`),
  )
  await Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal)))
}

const printActions = (actions: readonly Action[]): string =>
  actions.length === 0 ? 'nothing to change' : describeActions(actions).join('\n')
