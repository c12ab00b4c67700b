/** Every test of a cube runs on every machine; where one cannot be had, its tests are skipped, and their title says why. */
import { describe } from 'vitest'
import type { Cube } from '../cube/define.ts'
import { whyNoKernel } from '../kernel/requirements.ts'
import { type Lab, type LabOptions, openLab } from './lab.ts'
import type { MachineName } from './wires.ts'

export interface MachineUnderTest {
  readonly name: MachineName
  /** Why it cannot be had here. */
  readonly skip: string | undefined
}

export const everyMachine: readonly MachineUnderTest[] = [
  { name: 'vm', skip: undefined },
  { name: 'kernel', skip: whyNoKernel() },
]

/** {@link openLab} on the machine whose turn it is. */
export type OpenLab = <C extends Cube = Cube>(options: LabOptions<C>) => Promise<Lab<C>>

/** Describes `title` once for each machine. */
export function onEveryMachine(title: string, body: (openLab: OpenLab, machine: MachineName) => void): void {
  for (const { name, skip } of everyMachine)
    describe.skipIf(skip !== undefined)(`${title} (${name}${skip === undefined ? '' : `, skipped: ${skip}`})`, () =>
      body((options) => openLab(name, options), name),
    )
}
