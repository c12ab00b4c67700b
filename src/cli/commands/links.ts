import { Command } from 'commander'
import { type ReachOptions, withReach } from '../reach.ts'
import { type Setting, settingOf } from '../settings.ts'

export interface Options extends ReachOptions {
  readonly dryRun?: boolean
}

export interface AttachOptions extends Options {
  readonly position?: number
  readonly cube?: string
  readonly set?: readonly Setting[]
}

const changing = (command: Command): Command =>
  withReach(command.option('--dry-run', 'say what would be done, and do nothing'))

export const connectCommand = (): Command =>
  changing(
    new Command('connect')
      .description('Have a port lead to another port, to an interface, or to the stack.')
      .argument('<graph>', 'the graph')
      .argument('<port>', 'as instance.port')
      .argument('<to>', "instance.port; an interface, eth0 or namespace/eth0; host:eth0, the stack's side of one"),
  )
    .addHelpText(
      'after',
      `
Examples:
  tessera connect office switch.up core.floor
  tessera connect office switch.alice eth1
  tessera connect office switch.pod blue/eth0
  tessera connect office switch.stack host:eth2`,
    )
    .action(async (graph: string, port: string, to: string, options: Options) =>
      (await import('../actions/links.ts')).connect(graph, port, to, options),
    )

export const disconnectCommand = (): Command =>
  changing(
    new Command('disconnect')
      .description('Have a port lead nowhere, and the one at its other end.')
      .argument('<graph>', 'the graph')
      .argument('<port>', 'as instance.port'),
  )
    .addHelpText('after', '\nExamples:\n  tessera disconnect office switch.alice')
    .action(async (graph: string, port: string, options: Options) =>
      (await import('../actions/links.ts')).disconnect(graph, port, options),
    )

export const attachCommand = (): Command =>
  changing(
    new Command('attach')
      .description('Put a transparent instance on the way of what passes a port or an interface.')
      .argument('<graph>', 'the graph')
      .argument('<instance>', 'one that is there, or with --cube a new one')
      .argument('<where>', 'instance.port, or an interface of something else: eth0, namespace/eth0')
      .option('--position <number>', 'how many are outside of it; unless said, it is the innermost', Number)
      .option('--cube <cube>', 'make it, of this cube')
      .option('--set <key=value>', 'configuration of a new one; may be repeated', settingOf),
  )
    .addHelpText(
      'after',
      `
Examples:
  tessera attach office guard core.wan --cube ./my-filter
  tessera attach office guard eth0 --position 0`,
    )
    .action(async (graph: string, instance: string, where: string, options: AttachOptions) =>
      (await import('../actions/links.ts')).attach(graph, instance, where, options),
    )

export const detachCommand = (): Command =>
  changing(
    new Command('detach')
      .description('Take a transparent instance off its way, and out of the graph.')
      .argument('<graph>', 'the graph')
      .argument('<instance>', 'a transparent one'),
  )
    .addHelpText('after', '\nExamples:\n  tessera detach office guard')
    .action(async (graph: string, instance: string, options: Options) =>
      (await import('../actions/links.ts')).detach(graph, instance, options),
    )
