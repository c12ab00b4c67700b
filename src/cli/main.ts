import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { Refusal } from '../base/diagnostic.ts'
import { EXIT, SIGNALLED } from './exit.ts'

/** Each loads what it needs, and only the one that is called is loaded. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  capture: async () => (await import('./commands/capture.ts')).captureCommand(),
  apply: async () => (await import('./commands/apply.ts')).applyCommand(),
  compile: async () => (await import('./commands/compile.ts')).compileCommand(),
  control: async () => (await import('./commands/control.ts')).controlCommand(),
  delete: async () => (await import('./commands/delete.ts')).deleteCommand(),
  run: async () => (await import('./commands/run.ts')).runCommand(),
  show: async () => (await import('./commands/show.ts')).showCommand(),
  trace: async () => (await import('./commands/trace.ts')).traceCommand(),
  vm: async () => (await import('./commands/vm.ts')).vmCommand(),
}

/** They end in their own way, or at once. */
const INTERRUPTED: ReadonlySet<string> = new Set(['capture', 'control', 'run', 'trace', 'vm'])

const EXAMPLES = `
Examples:
  tessera compile bridge                   the bridge's instructions beside their TypeScript
  tessera vm exec < program.hex            run a program of eBPF instructions
  tessera apply lan.yaml --machine vm      try a graph without root, with simulated hosts
  tessera run lan.yaml --in a=FILE.pcap    what a graph makes of a capture, without root
  tessera apply lan.yaml --dry-run         what would change
  sudo tessera apply lan.yaml              run it in the kernel
  sudo tessera show                        ports, counters, drops by reason, stations
  sudo tessera capture lan                 packets as they come by, and why they die
  sudo tessera control                     what decides about packets that cubes leave to their control planes
  sudo tessera trace lan 'tcp port 80'     one packet's way, line by line
  sudo tessera delete lan.yaml             back to nothing`

/** Runs one command line (without `node` and the script); gives the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function main(words: readonly string[]): Promise<number> {
  const program = new Command('tessera')
    .description('Network functions for the Linux kernel, written in TypeScript.')
    .version(version(), '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .addHelpText('after', EXAMPLES)
    .showSuggestionAfterError()
    .showHelpAfterError('Run tessera --help for what there is.')
  for (const command of await commandsFor(words[0])) program.addCommand(inheriting(command, program))
  program.exitOverride()
  // Effects are carried out in one go, which no signal interrupts: a change happens as a whole or not at all. What runs on the
  // machine alone has none, and ends at once, but for replays, which say how far they came.
  for (const [signal, code] of Object.entries(SIGNALLED))
    if (!INTERRUPTED.has(words[0] ?? '')) process.once(signal, () => process.exit(code))
  try {
    await program.parseAsync(words, { from: 'user' })
    return EXIT.done
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    if (!(error instanceof Refusal)) throw error
    process.stderr.write(`${error.message}\n`)
    return EXIT.failed
  }
}

/** The one of this name; all of them, to tell about or to guess from, where there is none. */
async function commandsFor(name: string | undefined): Promise<Command[]> {
  const called = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  return Promise.all((called === undefined ? Object.values(COMMANDS) : [called]).map((load) => load()))
}

/** What `program` does about mistakes and help, and throwing instead of ending the process. */
function inheriting(command: Command, program: Command): Command {
  for (const inner of command.commands) inheriting(inner, program)
  return command.copyInheritedSettings(program).exitOverride()
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
