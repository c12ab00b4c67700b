import { Command, Option } from 'commander'
import { machineOption } from '../options.ts'

export interface Options {
  readonly machine: 'kernel' | 'vm'
  readonly dryRun?: boolean
  readonly watch?: boolean
  readonly attach?: Attach
}

const ATTACH = ['auto', 'tcx', 'clsact', 'egress', 'xdp', 'xdp-native', 'xdp-generic'] as const
export type Attach = (typeof ATTACH)[number]

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
      ).choices(ATTACH),
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
    .action(async (file: string, options: Options) => (await import('../actions/apply.ts')).apply(file, options))
