import { existsSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parse } from 'yaml'
import type { z } from 'zod'
import { Refusal, refusal } from '../../base/diagnostic.ts'
import { compile, readDataPlane, type Specialisation, toGraphs, toTyped } from '../../compiler/compile.ts'
import { printGraph } from '../../compiler/ir.ts'
import { printTyped } from '../../compiler/print-typed.ts'
import { dropReasons, MAP } from '../../compiler/wiring.ts'
import { issuesOf } from '../../cube/issues.ts'
import { builtinCubes, interfaceIndex } from '../../daemon/host.ts'
import { Rules } from '../../engine/read/rules.ts'
import { elfObject, HOOK_SECTION } from '../../isa/elf.ts'
import { printHeader, printMap, printProgram } from '../../isa/print.ts'
import type { Program } from '../../isa/program.ts'
import type { Hook, Options, Settings } from '../commands/compile.ts'

const HOOK: Readonly<Record<Hook, Pick<Specialisation, 'hook' | 'direction'>>> = {
  tc: { hook: 'tc' },
  'tc-egress': { hook: 'tc', direction: 'egress' },
  xdp: { hook: 'xdp' },
}

/** An object file goes anywhere: with more CPUs than that, some count in one place, and may lose counts. */
const OBJECT_CPUS = 64

export async function compileCube(name: string, options: Options): Promise<void> {
  const isFolder = existsSync(join(name, 'dataplane.ts'))
  const { cube, dataplane } = await builtinCubes().find(isFolder ? resolve(name) : name, process.cwd())
  const source = await readDataPlane(dataplane)
  const config = settings('--set', cube.config, options.set, dataplane)
  const port = settings('--port', cube.ports, options.port, dataplane)
  const exits = interfacesOf(options).map((ifindex, index) => ({ port: index, ifindex }))
  const at = (index: number): Specialisation => ({
    name: `${cube.name}_p${index}`,
    ...HOOK[options.hook],
    config,
    port,
    wiring: { port: index, exits, capacity: Math.max(64, exits.length) },
  })
  const { print = options.output === undefined ? 'asm' : undefined, output } = options
  if (print === 'typed') console.log(printTyped(toTyped(source, at(0)), Object.keys(dropReasons(cube))))
  if (print === 'ssa') console.log(toGraphs(source, at(0)).map(printGraph).join('\n\n'))
  if (print === 'asm') console.log(printProgram(compile(source, at(0))))
  if (output === undefined) return
  const programs = exits.map(({ port: index }) => compile(source, { ...at(index), cpus: OBJECT_CPUS }))
  const object = elfObject(programs)
  write(output, object)
  console.log(summary(output, object, programs, cube.name))
}

/** The interface index behind each port. */
function interfacesOf({ ports, interface: interfaces }: Options): readonly number[] {
  if (interfaces === undefined) return Array.from({ length: ports }, (_, index) => index + 1)
  return interfaces.map((name) => {
    const index = interfaceIndex(name)
    if (index === undefined) throw refusal(`there is no interface ${name}`, 'ip link lists those of this host')
    return index
  })
}

function write(file: string, bytes: Uint8Array): void {
  try {
    writeFileSync(file, bytes)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const folder = dirname(file)
    if (code === 'ENOENT' && !existsSync(folder))
      throw refusal(`cannot write ${file}: there is no folder ${folder}`, `mkdir -p ${folder}`)
    if (code === 'EISDIR')
      throw refusal(`cannot write ${file}: it is a folder`, `name a file: -o ${join(file, 'out.o')}`)
    throw refusal(`cannot write ${file}: ${error instanceof Error ? error.message : error}`)
  }
}

/** What an object file holds, and how it gets into the kernel. */
function summary(file: string, object: Uint8Array, programs: readonly Program[], cube: string): string {
  const maps = new Map(programs.flatMap((program) => Object.entries(program.maps)))
  const sections = [
    ...(programs.some(({ functions }) => functions !== undefined) ? ['.text'] : []),
    ...new Set(programs.map(({ hook }) => HOOK_SECTION[hook])),
    ...(maps.size === 0 ? [] : ['.maps']),
  ]
  const lines = [
    `${file}: ${object.length} bytes, sections ${new Intl.ListFormat('en').format(sections)}`,
    ...programs.map((program) => `  ${printHeader(program)}`),
    ...[...maps].map(([name, map]) => `  ${printMap(name, map)}`),
    `load: sudo bpftool prog loadall ${file} /sys/fs/bpf/${cube}`,
    ...(maps.has(MAP.exits)
      ? [`then: set ${MAP.exits}, port by port, to the indices of their interfaces (bpftool map update)`]
      : []),
  ]
  return lines.join('\n')
}

function settings(
  option: string,
  schema: z.ZodObject,
  written: Settings,
  dataplane: string,
): Readonly<Record<string, unknown>> {
  const given = Object.fromEntries(Object.entries(written).map(([key, text]) => [key, parse(text) as unknown]))
  const rules = new Rules()
  const parsed = rules.run(() => rules.ask(schema, given, dataplane))
  if (parsed instanceof Refusal) throw parsed
  if (parsed.success) return parsed.data
  throw new Refusal(
    issuesOf(parsed.error, given, schema).map(({ path, message, remedy, missing }) =>
      missing === undefined
        ? { message: `${[option, ...path].join(' ')}: ${message}`, remedy }
        : { message: `${option}: ${message}`, remedy: `give it: ${option} ${missing}=…` },
    ),
  )
}
