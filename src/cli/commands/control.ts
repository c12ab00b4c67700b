import { Command } from 'commander'
import { runControlPlanes } from '../../daemon/control-host.ts'
import { openKernelHost } from '../../daemon/host.ts'
import { untilInterrupted } from '../signals.ts'

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
    .action(run)

async function run(): Promise<void> {
  const end = new AbortController()
  using _interrupted = untilInterrupted(() => end.abort())
  using host = openKernelHost()
  await runControlPlanes(host, (line) => void process.stderr.write(`${line}\n`), end.signal)
}
