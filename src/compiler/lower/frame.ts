/** What is being built, and the parts that build it. */
import type { Hook } from '../../isa/program.ts'
import type { Comparisons } from '../assembly.ts'
import { Builder } from '../builder.ts'
import type { Cube } from '../cube.ts'
import type { Block, Value } from '../ir.ts'
import type { Look } from '../look.ts'
import type { Position } from '../typed.ts'
import { type NodeWiring, rowsOf } from '../wiring.ts'
import type { EarlyAccounts } from './account.ts'
import { Checksums } from './checksum.ts'
import { Copying } from './copies.ts'
import { Counts } from './counts.ts'
import type { ExitParts, Verdicts } from './exits.ts'
import { TcExits } from './exits-tc.ts'
import { XdpExits } from './exits-xdp.ts'
import { Looks } from './look.ts'
import type { Passage } from './packet.ts'
import { passageOf } from './passages.ts'
import { ReturnedVerdicts } from './returned-verdicts.ts'
import { type TraceSites, Traces } from './trace.ts'

/** What all nodes of a program have in common. */
export interface ProgramOptions {
  /** CPUs that counters have places for. */
  readonly cpus: number
  readonly hook: Hook
  readonly direction: 'ingress' | 'egress'
  /** See marked.ts. */
  readonly passesMarked?: boolean | undefined
  /** As {@link Assembly.isNext}. */
  readonly isNext?: boolean | undefined
  /** `returned`: not wired to anything, see returned-verdicts.ts. */
  readonly verdicts?: 'wired' | 'returned' | undefined
  /** Where `now()` reads: the kernel's monotonic clock, or a cell that tests write. */
  readonly clock: 'kernel' | 'cell'
  /** `none`: all functions are compiled in. */
  readonly calls: 'planned' | 'none'
  /** What somebody wants to see of it. */
  readonly look?: Look | undefined
  readonly comparisons?: Comparisons | undefined
  readonly early: EarlyAccounts
}

export interface LowerOptions extends ProgramOptions {
  readonly cube: Cube
  /** Before the names of the instance's maps. */
  readonly prefix: string
  readonly wiring: NodeWiring
}

/** What is being built: the program, or a function of it. */
export interface Frame {
  readonly builder: Builder
  readonly packet: Passage
  /** Where the nodes of the program begin. */
  readonly nodes: readonly Block[]
  /** The number of the CPU, as counters know it. */
  readonly cpu: () => Value
  /** Of what is traced. */
  readonly sites?: TraceSites | undefined
}

/** Of a function. */
export function frameOf(start: Position, options: ProgramOptions): Frame {
  const builder = new Builder(start)
  return { builder, packet: passageOf(options, builder), nodes: [], cpu: () => cpuNumber(builder, options.cpus) }
}

/** Of the program, which asks for its CPU once, at the start. */
export function programFrame(start: Position, options: ProgramOptions, nodes: number): Frame {
  const { builder, packet } = frameOf(start, options)
  // Value numbering finds the context wherever another one is asked for.
  builder.emit({ op: 'context' })
  const cpu = options.verdicts === 'returned' ? builder.constant(0) : cpuNumber(builder, options.cpus)
  return { builder, packet, nodes: Array.from({ length: nodes }, () => builder.newBlock()), cpu: () => cpu }
}

function cpuNumber(builder: Builder, cpus: number): Value {
  if (cpus === 1) return builder.constant(0)
  const number = builder.emit({ op: 'call', helper: 'get_smp_processor_id' })
  return builder.emit({ op: 'alu', alu: 'and', bits: 64 }, number, builder.constant(rowsOf(cpus) - 1))
}

/** What a data plane, or a function of it, has for itself. */
export interface Parts {
  readonly checksums: Checksums
  readonly exits: Verdicts
  /** Whoever looks. */
  readonly looks: Looks | undefined
  readonly traces: Traces | undefined
}

export function partsOf(frame: Frame, options: LowerOptions): Parts {
  const { builder, packet, nodes, sites } = frame
  const { cube, prefix, look, comparisons, hook, wiring } = options
  const checksums = new Checksums(builder, packet, hook, options.early.next())
  const settle = (isLast: boolean) => checksums.settle(isLast)
  const instance = prefix.slice(0, -1)
  const traces = sites && new Traces(frame, sites, cube, instance)
  const looks = look && new Looks(builder, packet, cube, instance, look, traces)
  const common = { checksums, looks, traces }
  if (options.verdicts === 'returned') return { ...common, exits: new ReturnedVerdicts(builder, packet, settle) }
  const counts = new Counts(frame, { cube, prefix, capacity: wiring.capacity, looks, comparisons })
  const copying = new Copying(frame)
  return { ...common, exits: new EXITS[hook]({ ...options, builder, packet, counts, traces, copying, settle, nodes }) }
}

const EXITS: Readonly<Record<Hook, new (parts: ExitParts) => Verdicts>> = { tc: TcExits, xdp: XdpExits }
