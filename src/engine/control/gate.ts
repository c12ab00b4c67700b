/** The way of control planes into a graph that runs. */
import type { Gate, GateSender, LoadedProgram, Machine, MachineMap } from '../../backend/machine.ts'
import { Held } from '../../base/held.ts'
import { PROGRAMS } from '../../compiler/assembly.ts'
import { programsMap } from '../../compiler/wiring.ts'
import type { Program } from '../../isa/program.ts'
import type { Injected } from './control-plane.ts'
import type { GatePlan, PortSlots } from './gate-plan.ts'

/** Disposing takes it away. */
export class OpenGate implements Disposable {
  private readonly machine: Machine
  private readonly gate: Gate
  /** Ways in that there are. */
  private readonly size: number
  /** The one that programs in the gate use; where they could not be exchanged, the one of before as well. */
  private arrays: readonly MachineMap[] = []

  constructor(machine: Machine, plan: GatePlan) {
    this.machine = machine
    this.size = Math.max(1, plan.entries.length)
    this.gate = machine.createGate(plan.name, this.size)
    try {
      this.fill(plan)
    } catch (error) {
      this[Symbol.dispose]()
      throw error
    }
  }

  /** Puts other programs into the place of those that are there. False where there are more or less ways in. */
  fill({ entries, others, size, pathOf }: GatePlan): boolean {
    if (this.size !== Math.max(1, entries.length)) return false
    const { machine } = this
    const before = this.arrays
    const array = machine.createMap(PROGRAMS, programsMap(Math.max(1, size)))
    this.arrays = [...before, array]
    for (const [slot, program] of others) {
      using loaded = load(machine, program, array, pathOf)
      array.install(slot, loaded)
    }
    for (const [slot, program] of entries.entries()) {
      using loaded = load(machine, program, array, pathOf)
      this.gate.install(slot, loaded)
    }
    if (before.length > 0) machine.settle()
    for (const one of before) one[Symbol.dispose]()
    this.arrays = [array]
    return true
  }

  [Symbol.dispose](): void {
    this.gate[Symbol.dispose]()
    for (const one of this.arrays) one[Symbol.dispose]()
  }
}

function load(machine: Machine, program: Program, array: MachineMap, pathOf: GatePlan['pathOf']): LoadedProgram {
  using held = new Held()
  const used = new Set(program.instructions.flatMap(({ map }) => map ?? []))
  const described = Object.entries(program.maps).filter(([name]) => used.has(name))
  const maps = described.flatMap(([name, description]) => {
    const map = name === PROGRAMS ? array : machine.openMap(pathOf(name), description)
    if (map !== undefined && map !== array) held.use(map)
    return map === undefined ? [] : [[name, map] as const]
  })
  return machine.load({ ...program, maps: Object.fromEntries(described) }, Object.fromEntries(maps))
}

/** Puts packets of an instance's control plane into the gate. `lost` is told how many could not be sent. */
export const into =
  (sender: GateSender, slots: PortSlots, lost: (frames: number) => void) =>
  (packets: readonly Injected[]): void => {
    for (const { port, direction, packet } of packets) {
      const slot = slots[port]?.[direction]
      if (slot !== undefined) sender.send(slot, packet)
    }
    const refused = sender.flush()
    if (refused > 0) lost(refused)
  }
