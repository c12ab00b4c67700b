/** What the page of test/e2e/browser.test.ts is made of. */
import { apply } from '../../src/engine/apply/apply.ts'
import type { Change } from '../../src/engine/plan/planner.ts'
import { openVirtualMachine, SimulatedHost } from '../../src/vm/index.ts'

/** Plain data, compiled elsewhere, and what goes in. */
export interface Experiment {
  readonly change: Pick<Change, 'wanted' | 'actions'>
  /** The interfaces, in the order of their indices. */
  readonly interfaces: readonly string[]
  readonly frames: readonly { readonly to: string; readonly frame: readonly number[] }[]
}

/** Frames in hexadecimal digits, by the interface that they left by. */
export type Shown = Readonly<Record<string, readonly string[]>>

const hex = (frame: Uint8Array) => Array.from(frame, (octet) => octet.toString(16).padStart(2, '0')).join('')
const mac = (number: number) => `02:00:00:00:00:0${number}`

function open({ change, interfaces }: Experiment) {
  const machine = openVirtualMachine()
  for (const [index, name] of interfaces.entries()) machine.addInterface(name, { mac: mac(index) })
  apply(machine, change.wanted, change.actions)
  return machine
}

/** Runs frames through the machine, and gives what came out. */
export function runFrames(experiment: Experiment): Shown {
  const machine = open(experiment)
  const left: Record<string, string[]> = {}
  for (const name of experiment.interfaces)
    machine.plug(name, {
      receive: (frame) => {
        left[name] ??= []
        left[name].push(hex(frame))
      },
    })
  for (const { to, frame } of experiment.frames) machine.receive(to, Uint8Array.from(frame))
  return left
}

/** Whether simulated hosts reach each other: a ping and a connection for every pair of neighbours. */
export function talk(experiment: Experiment): boolean[] {
  const machine = open(experiment)
  const hosts = experiment.interfaces.map((name, index) => {
    const host = new SimulatedHost({
      mac: mac(index + 1),
      ipv4: `10.0.0.${index + 1}/24`,
      ipv6: `fd00::${index + 1}/64`,
    })
    machine.plug(name, host)
    return host
  })
  return hosts.map((host, index) => {
    const other = ((index + 1) % hosts.length) + 1
    return host.ping(`10.0.0.${other}`) && host.connect(`fd00::${other}`, 7)?.state === 'established'
  })
}
