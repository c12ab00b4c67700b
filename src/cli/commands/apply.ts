import { once } from 'node:events'
import { Command, Option } from 'commander'
import { openKernelHost, openVirtualHost } from '../../daemon/host.ts'
import { rehearse } from '../../daemon/rehearsal.ts'
import { type Action, describeActions } from '../../engine/plan.ts'
import { graphFile, machineOption } from '../options.ts'
import { printRehearsal } from '../rehearsal.ts'

interface Options {
  readonly machine: 'kernel' | 'vm'
  readonly dryRun?: boolean
  readonly watch?: boolean
  readonly attach?: Attach
}

type Attach = 'auto' | 'tcx' | 'clsact' | 'egress' | 'xdp' | 'xdp-native' | 'xdp-generic'

const ATTACH: Readonly<Record<Attach, NonNullable<Parameters<typeof openKernelHost>[0]>>> = {
  auto: { at: 'tc ingress' },
  tcx: { at: 'tc ingress', attach: 'tcx' },
  clsact: { at: 'tc ingress', attach: 'clsact' },
  egress: { at: 'tc egress' },
  xdp: { at: 'xdp' },
  'xdp-native': { at: 'xdp', xdp: 'native' },
  'xdp-generic': { at: 'xdp', xdp: 'generic' },
}

export const applyCommand = (): Command =>
  new Command('apply')
    .description(
      'Make the host run the graph of a file: what is new is added, what changed is replaced, what is gone is removed.',
    )
    .argument('<file>', 'a graph file (YAML), or - for standard input')
    .addOption(machineOption())
    .addOption(
      new Option(
        '--attach <how>',
        'how programs get on interfaces; unless said, as the graph has them now, and at first auto',
      ).choices(Object.keys(ATTACH)),
    )
    .option('--dry-run', 'print what would be done, and do nothing')
    .option('--watch', 'stay, and attach again to interfaces that come back')
    .addHelpText(
      'after',
      `
  auto         to what arrives, at TC: by TCX links where the kernel has them, else as filters on clsact
  tcx, clsact  the one or the other
  egress       to what leaves, at TC
  xdp          to what arrives, at XDP: in the drivers where all of them can, else in front of the kernel's stack (generic)
  xdp-native, xdp-generic  the one or the other

With --machine vm the graph runs in this process only, between simulated hosts that ping each other.

Examples:
  sudo tessera apply examples/bridge.yaml
  tessera apply examples/bridge.yaml --machine vm`,
    )
    .action(run)

async function run(file: string, { machine, attach, dryRun = false, watch = false }: Options): Promise<void> {
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
