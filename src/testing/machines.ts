/**
 * Every test of a cube runs on every machine and at every hook; where one cannot be had, its tests are skipped, and their title
 * says why.
 */
import { describe } from 'vitest'
import type { Cube } from '../cube/define.ts'
import type { Hook, HookPoint } from '../isa/program.ts'
import { whyNoKernel } from '../kernel/requirements.ts'
import { type GraphLab, type GraphLabOptions, openGraphLab } from './graph-lab.ts'
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

const HOOKS: Readonly<Record<Hook, HookPoint>> = { tc: 'tc ingress', xdp: 'xdp' }

/** {@link openLab} on the machine whose turn it is, by the hook whose turn it is. */
export type OpenLab = <C extends Cube = Cube>(options: LabOptions<C>) => Promise<Lab<C>>

/** {@link openGraphLab} on the machine whose turn it is. */
export type OpenGraph = (options: GraphLabOptions | string) => Promise<GraphLab>

/** Describes `title` once for each machine: graphs at TC ingress. */
export function graphsOnEveryMachine(title: string, body: (open: OpenGraph, machine: MachineName) => void): void {
  for (const { name, skip } of everyMachine)
    describe.skipIf(skip !== undefined)(`${title} (${name}${skip === undefined ? '' : `, skipped: ${skip}`})`, () =>
      body((options) => openGraphLab(name, typeof options === 'string' ? { graph: options } : options), name),
    )
}

/** Describes `title` once for each machine and each hook. */
export function onEveryMachine(
  title: string,
  body: (openLab: OpenLab, machine: MachineName, hook: Hook) => void,
): void {
  for (const { name, skip } of everyMachine)
    for (const hook of ['tc', 'xdp'] as const)
      describe.skipIf(skip !== undefined)(
        `${title} (${name}, ${hook}${skip === undefined ? '' : `, skipped: ${skip}`})`,
        () => body((options) => openLab(name, options, HOOKS[hook]), name, hook),
      )
}
