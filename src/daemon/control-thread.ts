/** What runs in the thread of one instance's control plane. It ends when anything goes wrong: whoever began it begins it anew. */
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { Refusal } from '../base/diagnostic.ts'
import { OpenControlPlane } from '../engine/control/control-plane.ts'
import { into } from '../engine/control/gate.ts'
import type { PortSlots } from '../engine/control/gate-plan.ts'
import type { Settings } from '../engine/graph/settings.ts'
import type { Entries } from '../engine/graph/sized.ts'
import { stampOfCube } from '../engine/plan/sources.ts'
import { openKernelMachine } from '../kernel/machine.ts'
import { type Leftovers, leftovers } from '../kernel/objects.ts'
import type { Broker } from './apart/broker.ts'
import type { LineLevel } from './control-planes.ts'
import { builtinCubes } from './host.ts'
import { timers } from './timers.ts'

/** What the thread is told. */
export interface Orders {
  readonly graph: string
  readonly instance: string
  /** The cube's folder. */
  readonly folder: string
  /** Of its files when the graph was made of them, if they may change. */
  readonly version?: string | undefined
  readonly config: Settings
  readonly ports: Readonly<Record<string, number>>
  /** The gate by which its packets come into the graph. */
  readonly gate: string
  readonly slots: PortSlots
  readonly queue: number | undefined
  readonly entries: Entries | undefined
  readonly schema: string
  /** It is not Tessera's own, and runs in a process that has nothing but its kit. */
  readonly apart: boolean
}

/** What it tells. */
export type Report =
  | { readonly is: 'running'; readonly leftovers: Leftovers }
  | { readonly is: 'alive' }
  | { readonly is: 'log'; readonly line: string; readonly level: LineLevel }
  | { readonly is: 'failed'; readonly why: string }
  /** A process of its own. */
  | { readonly is: 'began'; readonly process: number }

const tell = (report: Report): void => parentPort?.postMessage(report)

const textOf = (error: unknown): string =>
  error instanceof Refusal ? error.message : String((error as Error)?.stack ?? error)

function fail(error: unknown): never {
  tell({ is: 'failed', why: textOf(error) })
  plane?.[Symbol.dispose]()
  machine[Symbol.dispose]()
  process.exit(1)
}

const given = workerData as Orders
const { folder, gate, slots, apart, ...orders } = given
const machine = openKernelMachine()
let plane: Disposable | undefined
let broker: Broker | undefined
process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)
parentPort?.on('message', (message: 'alive?' | 'end') => {
  if (message === 'alive?') return broker === undefined ? tell({ is: 'alive' }) : broker.ask()
  plane?.[Symbol.dispose]()
  machine[Symbol.dispose]()
  process.exit(0)
})

const sender = machine.openGate(gate)
const inject =
  sender === undefined
    ? () => fail(new Error('the way into the graph is gone'))
    : into(sender, slots, (frames) => tell({ is: 'log', line: `${frames} packets could not be sent`, level: 'warn' }))
const { version } = given
if (version !== undefined && stampOfCube(join(folder, 'dataplane.ts')) !== version)
  fail(
    new Refusal([
      {
        message: `files of ${folder} have changed since the graph ${given.graph} was made of them`,
        remedy: 'apply it with what is in them now, or put back what was',
      },
    ]),
  )
await (apart ? runApart() : runHere())

async function runHere(): Promise<void> {
  const { control } = await builtinCubes().find(folder, '/')
  const open = new OpenControlPlane({
    ...orders,
    machine,
    plane: control,
    timers,
    inject,
    log: (line) => tell({ is: 'log', line, level: 'info' }),
    failed: fail,
  })
  plane = open
  tell({ is: 'running', leftovers: leftovers() })
  open.start()
  open.run()
}

async function runApart(): Promise<void> {
  const { Broker } = await import('./apart/broker.ts')
  broker = new Broker({
    machine,
    orders: given,
    inject,
    began: (process) => tell({ is: 'began', process }),
    tell(report) {
      if (report.do === 'running') tell({ is: 'running', leftovers: leftovers() })
      else if (report.do === 'alive') tell({ is: 'alive' })
      else if (report.do === 'log') tell({ is: 'log', line: report.line, level: report.level })
      else fail(report.why)
    },
  })
  plane = broker
  await broker.begin()
}
