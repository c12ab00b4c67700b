import { Command, InvalidArgumentError, Option } from 'commander'

export interface Options {
  readonly ports: number
  readonly interface?: readonly string[]
  readonly set: Settings
  readonly port: Settings
  readonly hook: Hook
  readonly print?: 'typed' | 'ssa' | 'asm'
  readonly output?: string
}

/** What was written, not read yet. */
export type Settings = Readonly<Record<string, string>>

const HOOKS = ['tc', 'tc-egress', 'xdp'] as const
export type Hook = (typeof HOOKS)[number]

const MAX_PORTS = 1000

export const compileCommand = (): Command =>
  new Command('compile')
    .description(
      "Compile a cube's data plane: print its instructions beside their TypeScript lines, or write an object file.",
    )
    .argument('<cube>', 'a cube by name, or its folder')
    .addOption(
      new Option('-p, --ports <number>', 'how many ports the instance has, leading to interfaces 1, 2, …')
        .argParser(positive)
        .default(2),
    )
    .addOption(
      new Option('-i, --interface <name>', 'where the next port leads on this host; once for each port')
        .argParser((name, before: readonly string[] = []) => [...before, name])
        .conflicts('ports'),
    )
    .option('-s, --set <key=value>', 'configuration of the instance; may be repeated', setting, {})
    .option('--port <key=value>', 'configuration of the port that packets come in by; may be repeated', setting, {})
    .addOption(new Option('--hook <hook>', 'what the programs are for').choices(HOOKS).default('tc'))
    .addOption(
      new Option('--print <stage>', 'print the program of port 0: as checked, in SSA form, or as instructions').choices(
        ['typed', 'ssa', 'asm'],
      ),
    )
    .option('-o, --output <file>', 'write an ELF object with a program for each port, and print only what is asked for')
    .addHelpText(
      'after',
      `
Without -o, --print asm is the default. What -o writes is loaded by bpftool, tc, and all else that uses libbpf.

Examples:
  tessera compile bridge
  tessera compile ./my-cube --ports 4 --set agingTime=60
  tessera compile bridge --print ssa
  tessera compile bridge --hook xdp -o bridge.o
  tessera compile bridge -i eth1 -i eth2 -o bridge.o`,
    )
    .action(async (cube: string, options: Options) =>
      (await import('../actions/compile.ts')).compileCube(cube, options),
    )

function positive(text: string): number {
  const ports = Number(text)
  if (!Number.isInteger(ports) || ports < 1 || ports > MAX_PORTS)
    throw new InvalidArgumentError(`a number from 1 to ${MAX_PORTS}`)
  return ports
}

function setting(text: string, before: Settings): Settings {
  const [, key, value] = /^([^=]+)=(.*)$/.exec(text) ?? []
  if (key === undefined || value === undefined) throw new InvalidArgumentError('write key=value')
  return { ...before, [key]: value }
}
