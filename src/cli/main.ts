import { Command, CommanderError } from 'commander'
import { ProblemError, Unreachable } from '../api/client.ts'
import { Refusal } from '../base/diagnostic.ts'
import { Ended, EXIT, SIGNALLED, WrongUsage } from './exit.ts'
import { refusalOf } from './problems.ts'
import { daemonOf, nobodyThere } from './reach.ts'
import { verbsFor } from './verbs.ts'
import { version } from './version.ts'

/** They end in their own way, or at once. */
const INTERRUPTED: ReadonlySet<string> = new Set(['run', 'vm'])

const EXAMPLES = `
Examples:
  tessera compile bridge                   the bridge's instructions beside their TypeScript
  tessera apply lan.yaml --machine vm      try a graph without root, with simulated hosts
  tessera run lan.yaml --in a=FILE.pcap    what a graph makes of a capture, without root
  sudo tessera apply lan.yaml              run it in the kernel
  sudo tessera get ports                   what they lead to, packets, drops
  sudo tessera top                         packets per second
  sudo tessera trace lan 'tcp port 80'     one packet's way, line by line
  sudo tessera set lan/switch config.agingTime=60
  sudo tessera delete lan                  back to nothing
  sudo tessera doctor                      where something does not work

Each verb tells more: tessera apply --help. Codes at the end: 0 done, 1 failed, 2 wrong usage, 3 differs (diff).`

/** Runs one command line (without `node` and the script); gives the exit code: 0 done, 1 failed, 2 wrong usage, 3 differs. */
export async function main(words: readonly string[]): Promise<number> {
  const [verb] = words
  if (verb === 'complete') return completed(words.slice(words[1] === '--' ? 2 : 1))
  const program = await programFor(verb)
  // Effects are carried out in one go, which no signal interrupts: a change happens as a whole or not at all. What runs on the
  // machine alone has none, and ends at once, but for replays, which say how far they came.
  for (const [signal, code] of Object.entries(SIGNALLED))
    if (!INTERRUPTED.has(verb ?? '')) process.once(signal, () => process.exit(code))
  try {
    await program.parseAsync(words, { from: 'user' })
    return EXIT.done
  } catch (error) {
    return told(error)
  }
}

async function programFor(verb: string | undefined): Promise<Command> {
  const program = new Command('tessera')
    .description('Network functions for the Linux kernel, written in TypeScript.')
    .usage('<verb> [words and options]')
    .version(version(), '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .addHelpText('after', EXAMPLES)
    .showSuggestionAfterError()
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .showHelpAfterError('Run tessera --help for what there is.')
    .exitOverride()
  for (const command of await verbsFor(verb)) program.addCommand(inheriting(command, program, 'tessera'))
  return program
}

/** What `program` does about mistakes and help, and throwing instead of ending the process. */
function inheriting(command: Command, program: Command, above: string): Command {
  const path = `${above} ${command.name()}`
  for (const inner of command.commands) inheriting(inner, program, path)
  return command
    .copyInheritedSettings(program)
    .exitOverride()
    .showHelpAfterError(`Run ${path} --help for what there is.`)
}

/** Says what went wrong, if that was not said yet; gives the exit code. */
function told(error: unknown): number {
  if (error instanceof Ended) return error.code
  // Somebody had enough before it began.
  if (error instanceof Error && error.name === 'AbortError') return SIGNALLED.SIGINT
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
  if (error instanceof WrongUsage) {
    process.stderr.write(`error: ${error.message}\nRun tessera --help for what there is.\n`)
    return EXIT.usage
  }
  const refusal =
    error instanceof ProblemError ? refusalOf(error.problem) : error instanceof Unreachable ? nobodyThere(error) : error
  if (!(refusal instanceof Refusal)) throw error
  process.stderr.write(`${refusal.message}\n`)
  return EXIT.failed
}

/** Asked by shells: a line for each thing that the last word may become, and never a word about what went wrong. */
async function completed(words: readonly string[]): Promise<number> {
  const program = await programFor(undefined)
  const { complete } = await import('./complete.ts')
  try {
    using client = daemonOf({})
    process.stdout.write((await complete(program, words, client)).map((word) => `${word}\n`).join(''))
    return EXIT.done
  } catch {
    return EXIT.failed
  }
}
