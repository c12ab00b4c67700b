/** The one place where everything is wired: a machine, the cubes, the records, and the engine over them. */
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Machine } from '../backend/machine.ts'
import { Held } from '../base/held.ts'
import { Catalogue } from '../cube/catalogue.ts'
import { Engine } from '../engine/engine.ts'
import { stampOf } from '../engine/plan/made.ts'
import type { Measure } from '../engine/plan/parts.ts'
import { MemoryRecords } from '../engine/plan/records.ts'
import { stampOfCube } from '../engine/plan/sources.ts'
import type { HookPoint } from '../isa/program.ts'
import { isLocked, lockFile, Occupied } from '../kernel/lock.ts'
import { type KernelOptions, openKernelMachine } from '../kernel/machine.ts'
import { findLink } from '../kernel/netlink/link.ts'
import { RUN_FOLDER } from '../kernel/places.ts'
import { requireKernel } from '../kernel/requirements.ts'
import { openVirtualMachine, type VirtualMachine } from '../vm/machine.ts'
import { FileRecords } from './records.ts'
import { RememberedRecords } from './remembered-records.ts'

export interface Host<M extends Machine = Machine> extends Disposable {
  readonly machine: M
  readonly catalogue: Catalogue
  readonly engine: Engine
  /** One that has other cubes, over the same graphs. */
  readonly engineOf: (catalogue: Catalogue) => Engine
  /** Held by whoever looks at a graph, and by one at a time. */
  readonly enter: (graph: string) => Disposable
}

export interface HostOptions {
  /** `cell`: data planes read the time from a map, which tests write. */
  readonly clock?: 'kernel' | 'cell'
  /** Where programs of graphs go that do not say it: to TC ingress, unless said here. */
  readonly at?: HookPoint
  /** Runs each step of each change. */
  readonly measure?: Measure
}

/** The cubes that come with Tessera. */
export const builtinCubes = (): Catalogue => new Catalogue(join(import.meta.dirname, '../cubes'), stampOfCube)

/** Graphs in this kernel, in the network namespace of the caller. A Refusal where it cannot be. */
export function openKernelHost(options: KernelOptions & HostOptions = {}): Host {
  requireKernel()
  const machine = openKernelMachine(options)
  const records = new RememberedRecords(new FileRecords(join(RUN_FOLDER, 'graphs')))
  const lock = async (): Promise<Disposable> => {
    const held = new Held()
    held.use(await patiently(join(RUN_FOLDER, 'engine.lock')))
    held.use(records.remember())
    return held
  }
  let stamp: string | undefined
  const build = (): string => {
    stamp ??= stampOf(join(import.meta.dirname, '..'))
    return stamp
  }
  return host(machine, { ...options, records, lock, isLookedAt, build }, enter)
}

/** Graphs in this process, gone with it. */
export function openVirtualHost(options: HostOptions = {}): Host<VirtualMachine> {
  const lock = async () => ({ [Symbol.dispose]() {} })
  return host(openVirtualMachine(), { ...options, records: new MemoryRecords(), lock }, () => new Held())
}

/** The number of an interface in the network namespace of the caller, which anybody may ask; undefined where there is none. */
export const interfaceIndex = (name: string): number | undefined => findLink(name)?.index

/** Another command may be changing graphs just now: it is waited for, but not for ever. */
async function patiently(path: string): Promise<Disposable> {
  for (let tries = 100; ; tries--) {
    try {
      return lockFile(path)
    } catch (error) {
      if (!(error instanceof Occupied)) throw error
      if (tries === 0)
        throw new Occupied([
          {
            message: 'another command changes graphs on this host, and does not come to an end',
            remedy: `nothing was changed; ${error.message}`,
          },
        ])
      await setTimeout(100)
    }
  }
}

/** The lock goes with its process, however that ends. */
const lookLock = (graph: string): string => join(RUN_FOLDER, `look-${graph}.lock`)

function enter(graph: string): Disposable {
  try {
    return lockFile(lookLock(graph))
  } catch (error) {
    if (!(error instanceof Occupied)) throw error
    throw new Occupied([{ message: `somebody looks at graph ${graph} already`, remedy: error.message }])
  }
}

const isLookedAt = (graph: string): boolean => isLocked(lookLock(graph))

function host<M extends Machine>(
  machine: M,
  parts: Omit<ConstructorParameters<typeof Engine>[0], 'machine' | 'catalogue'>,
  enter: Host['enter'],
): Host<M> {
  const catalogue = builtinCubes()
  const engineOf = (catalogue: Catalogue) => new Engine({ machine, catalogue, ...parts })
  const engine = engineOf(catalogue)
  return { machine, catalogue, engine, engineOf, enter, [Symbol.dispose]: () => machine[Symbol.dispose]() }
}
