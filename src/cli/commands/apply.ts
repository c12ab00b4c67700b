import { Command, Option } from 'commander'
import { machineOption } from '../options.ts'
import { type ReachOptions, withReach } from '../reach.ts'

export interface Options extends ReachOptions {
  readonly machine: 'kernel' | 'vm'
  readonly file?: readonly string[]
  readonly dryRun?: boolean
  readonly watch?: boolean
  readonly attach?: Attach
}

const ATTACH = ['auto', 'tcx', 'clsact', 'egress', 'xdp', 'xdp-native', 'xdp-generic'] as const
export type Attach = (typeof ATTACH)[number]

const FILES = 'graph files (YAML, JSON, or TypeScript that exports graphs), folders of them, or - for standard input'

export const applyCommand = (): Command =>
  withReach(
    new Command('apply')
      .description(
        'Make the host run the graphs of files: what is new is added, what changed is replaced, what is gone is removed.',
      )
      .argument('[files...]', FILES)
      .option('-f, --file <files...>', 'the same')
      .addOption(machineOption())
      .addOption(
        new Option('--attach <how>', 'where on interfaces programs run, whatever its file says').choices(ATTACH),
      )
      .option('--dry-run', 'print what would be done, and do nothing')
      .option(
        '--watch',
        'stay, and tell of interfaces that go and come back; without a daemon, also attach to them again',
      ),
    'local',
  )
    .addHelpText(
      'after',
      `
A graph file says where on interfaces its programs run (attach: xdp), which is TC ingress unless it does. --attach says it instead:

  auto         to what arrives, at TC: by TCX links where the kernel has them, else as filters on clsact
  tcx, clsact  the one or the other; only without a daemon
  egress       to what leaves, at TC
  xdp          to what arrives, at XDP: in the drivers where all of them can, else in front of the kernel's stack (generic)
  xdp-native, xdp-generic  the one or the other

The daemon keeps graphs, and repairs them. Where none runs, this process changes the kernel, which goes on by itself. With
--machine vm the graph runs in this process only, between simulated hosts that ping each other.

Examples:
  sudo tessera apply -f examples/bridge.yaml
  sudo tessera apply -f graphs/ --dry-run
  tessera apply examples/bridge.yaml --machine vm`,
    )
    .action(async (files: readonly string[], options: Options) =>
      (await import('../actions/apply.ts')).apply(files, options),
    )

export interface DiffOptions extends ReachOptions {
  readonly file?: readonly string[]
}

export const diffCommand = (): Command =>
  withReach(
    new Command('diff')
      .description('What apply would change. Ends with 0 where nothing, with 3 where something.')
      .argument('[files...]', FILES)
      .option('-f, --file <files...>', 'the same'),
    'local',
  )
    .addHelpText(
      'after',
      '\nExamples:\n  tessera diff -f examples/bridge.yaml\n  tessera diff -f graphs/ || echo differs',
    )
    .action(async (files: readonly string[], options: DiffOptions) =>
      (await import('../actions/diff.ts')).diff(files, options),
    )
