import { Command } from 'commander'

export const controlCommand = (): Command =>
  new Command('control')
    .description('Run the control planes of the graphs that run here, each in a thread of its own, until Ctrl-C.')
    .addHelpText(
      'after',
      `
Packets need it only where cubes leave some to their control planes: they wait, up to a bound, and are then dropped as queue_full.
A control plane that throws or hangs is started anew after a while; graphs that are applied, changed or deleted meanwhile are followed.

Examples:
  sudo tessera control`,
    )
    .action(async () => (await import('../actions/control.ts')).control())
