import { Command } from 'commander'
import { type Output, withOutput } from '../output.ts'
import { type ReachOptions, withReach } from '../reach.ts'

export interface Options extends ReachOptions {
  readonly output: Output
}

export const doctorCommand = (): Command =>
  withReach(
    withOutput(
      new Command('doctor').description(
        'Look at what this host can do: the kernel, capabilities, bpffs, programs of others, the daemon; and say what to do.',
      ),
    ),
  )
    .addHelpText(
      'after',
      '\nIt changes nothing, and ends with 1 where something does not work.\n\nExamples:\n  sudo tessera doctor\n  tessera doctor -o json',
    )
    .action(async (options: Options) => (await import('../actions/doctor.ts')).doctor(options))

export const versionCommand = (): Command =>
  withReach(
    withOutput(new Command('version').description('Which Tessera, Node.js and kernel this is, and which daemon.')),
  )
    .addHelpText('after', '\nExamples:\n  tessera version\n  tessera version -o json')
    .action(async (options: Options) => (await import('../actions/version.ts')).printVersion(options))
