import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { parse } from 'yaml'
import { z } from 'zod'
import { refusal } from '../../base/diagnostic.ts'
import { suggestion } from '../../base/suggest.ts'
import { compile, readDataPlane } from '../../compiler/compile.ts'
import { builtinCubes } from '../../daemon/host.ts'
import { printProgram } from '../../isa/print.ts'

interface Options {
  readonly ports: number
  readonly set: Readonly<Record<string, unknown>>
  readonly port: Readonly<Record<string, unknown>>
}

export const compileCommand = (): Command =>
  new Command('compile')
    .description("Compile a cube's data plane and print its instructions beside their TypeScript lines.")
    .argument('<cube>', 'a cube by name, or its folder')
    .option('-p, --ports <number>', 'how many ports the instance has', positive, 2)
    .option('-s, --set <key=value>', 'configuration of the instance; may be repeated', setting, {})
    .option('--port <key=value>', 'configuration of the port that packets come in by; may be repeated', setting, {})
    .addHelpText(
      'after',
      '\nExamples:\n  tessera compile bridge\n  tessera compile ./my-cube --ports 4 --set agingTime=60',
    )
    .action(run)

function positive(text: string): number {
  const ports = Number(text)
  if (!Number.isInteger(ports) || ports < 1 || ports > 1000) throw new InvalidArgumentError('a number from 1 to 1000')
  return ports
}

function setting(text: string, before: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const [, key, value] = /^([^=]+)=(.*)$/.exec(text) ?? []
  if (key === undefined || value === undefined) throw new InvalidArgumentError('write key=value')
  return { ...before, [key]: parse(value) as unknown }
}

async function run(name: string, { ports, set, port }: Options): Promise<void> {
  const isFolder = existsSync(join(name, 'dataplane.ts'))
  const { cube, dataplane } = await builtinCubes().find(isFolder ? resolve(name) : name, process.cwd())
  const source = await readDataPlane(dataplane)
  const exits = Array.from({ length: ports }, (_, index) => ({ port: index, ifindex: index + 1 }))
  const program = compile(source, {
    name: `${cube.name}_p0`,
    config: settings('--set', cube.config, set),
    port: settings('--port', cube.ports, port),
    wiring: { port: 0, exits, capacity: 64 },
  })
  console.log(printProgram(program))
}

function settings(
  option: string,
  schema: z.ZodObject,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const key = issue?.code === 'unrecognized_keys' ? (issue.keys[0] ?? '') : String(issue?.path[0] ?? '')
  const known = Object.keys(schema.shape)
  throw refusal(`${option} ${key}: ${issue?.message ?? z.prettifyError(parsed.error)}`, suggestion(key, known))
}
