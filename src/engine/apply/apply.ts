/** The only place with effects: carries out a plan, action by action, or undoes what it did of it. */
import type { Attachment, LoadedProgram, Machine, MachineMap } from '../../backend/machine.ts'
import { refusal } from '../../base/diagnostic.ts'
import { Held } from '../../base/held.ts'
import type { MapDescription } from '../../isa/program.ts'
import { isAside, isLinkPath, keptPath, nextPath, programPath } from '../graph/paths.ts'
import { forgetPorts } from '../plan/gone-ports.ts'
import type { Conversions, Convert } from '../plan/migrate.ts'
import type { Action, Preparation, Step } from '../plan/plan.ts'
import { Beginning } from '../stitch/beginning.ts'
import { owned } from '../stitch/owner.ts'
import type { Wanted, WantedProgram } from '../stitch/stitch.ts'
import { copyAgain, copyEntries } from './copy.ts'

/** All actions of a plan that copies nothing, without a journal: what is left half done is deleted as a whole. */
export function apply(machine: Machine, wanted: Wanted, actions: readonly Action[]): void {
  const conversions: Conversions = new Map()
  machine.inBulk(() => {
    using beginning = new Beginning(machine)
    prepare(machine, wanted, actions.filter(isPreparation), conversions, beginning)
    for (const action of actions)
      if (!isPreparation(action)) carryOut(machine, action, (path) => wanted.maps[path], conversions)
  })
}

export const isPreparation = (action: Action): action is Preparation =>
  ['create map', 'copy', 'load', 'keep', 'install'].includes(action.do)

/** Makes, fills and loads, and so verifies, all that is new, before the first packet can meet any of it. */
export function prepare(
  machine: Machine,
  wanted: Wanted,
  preparations: readonly Preparation[],
  conversions: Conversions,
  beginning: Beginning,
): void {
  using held = new Held()
  const maps = new Map<string, MachineMap>()
  const mapAt = (path: string): MachineMap => {
    const known = maps.get(path)
    if (known !== undefined) return known
    const description = wanted.maps[path]
    const map = description && machine.openMap(path, description)
    if (map === undefined) throw refusal(`the map ${path} went away meanwhile`, 'run the command again')
    maps.set(path, held.use(map))
    return map
  }
  const given = ({ program, maps }: WantedProgram) =>
    Object.fromEntries(Object.keys(program.maps).map((name) => [name, mapAt(maps[name] ?? name)]))
  const missing = new Set(preparations.flatMap((action) => (action.do === 'create map' ? [action.at] : [])))
  const soon = preparations.flatMap(programsOf)
  let next = 0
  /** Of programs whose maps are all there. */
  const tell = (): void => {
    for (let one = soon[next]; one !== undefined && hasMaps(one, missing); one = soon[++next])
      beginning.load(one.program, given(one))
  }
  const load = (wanted: WantedProgram): LoadedProgram => {
    tell()
    return owned(wanted.owner, () => machine.load(wanted.program, given(wanted)))
  }
  for (const action of preparations) {
    switch (action.do) {
      case 'create map': {
        const map = held.use(beginning.map(action.path, action.description))
        map.pin(action.at)
        for (const [key, value] of action.entries) map.update(key, value)
        maps.set(action.at, map)
        missing.delete(action.at)
        tell()
        break
      }
      case 'copy':
        copyEntries(machine, action, mapAt(nextPath(action.path)), conversionAt(conversions, action.path))
        break
      case 'load': {
        using program = load(action)
        program.pin(action.at)
        break
      }
      case 'keep':
        mapAt(action.path).pinProgram(action.slot, action.at)
        break
      case 'install':
        for (const one of action.programs) {
          using program = load(one)
          mapAt(action.at).install(one.slot, program)
        }
    }
  }
}

const programsOf = (action: Preparation): readonly WantedProgram[] =>
  action.do === 'load' ? [action] : action.do === 'install' ? action.programs : []

const hasMaps = ({ maps }: WantedProgram, missing: ReadonlySet<string>): boolean =>
  missing.size === 0 || !Object.values(maps).some((path) => missing.has(path))

function conversionAt(conversions: Conversions, path: string): Convert {
  const convert = conversions.get(path)
  if (convert !== undefined) return convert
  throw refusal(
    `a change of ${path} was not finished, and its cube no longer says what becomes of its entries`,
    'bring back the control.ts that said so, or delete the graph, and its entries are lost',
  )
}

/** Pins of what packets have seen nothing of. */
export function forget(machine: Machine, paths: readonly string[]): void {
  for (const path of paths.toReversed()) machine.forget(path)
}

/** How maps are described that are to be. */
export type Described = (path: string) => MapDescription | undefined

/** Carries out a step, or does nothing where it was carried out before. How many entries were given up by it. */
export function carryOut(machine: Machine, step: Step, described: Described, conversions: Conversions): number {
  switch (step.do) {
    case 'attach':
    case 'replace':
    case 'take over': {
      using program = machine.openProgram(nextPath(programPath(step.path))) ?? openProgram(machine, step.path)
      if (isAsideAtFirst(step)) putAside(machine, step, program)
      else put(machine, step, program)
      return 0
    }
    case 'detach':
    case 'retire': {
      using attachment = machine.openAttachment(step.path)
      if (attachment !== undefined && isAt(attachment, step)) attachment.detach()
      return 0
    }
    case 'fill':
    case 'exchange': {
      const description = described(step.path)
      using array = description && machine.openMap(step.path, description)
      using program = machine.openProgram(step.from)
      // Once it is there, the pin may be gone.
      if (program !== undefined) array?.install(step.slot, program)
      return 0
    }
    case 'empty':
      emptySlot(machine, step, described)
      return 0
    case 'settle':
      machine.settle()
      return 0
    case 'keep counts':
      // In the record, by whoever keeps that.
      return 0
    case 'copy again': {
      const description = described(step.path)
      using to = description && machine.openMap(nextPath(step.path), description)
      return to === undefined ? 0 : copyAgain(machine, step, to, conversionAt(conversions, step.path))
    }
    case 'forget ports':
      forgetPorts(machine, step.tables, described)
      return 0
    case 'hand over': {
      using attachment = machine.openAttachment(step.from)
      if (attachment !== undefined && isAt(attachment, step)) machine.movePin(step.from, nextPath(step.path))
      return 0
    }
    case 'adopt':
      if (machine.pinned(nextPath(step.path)).length > 0) machine.movePin(nextPath(step.path), step.path)
      return 0
    case 'remove':
      if (!isAside(step.path) && isLinkPath(step.path)) machine.unpin(step.path)
      else machine.forget(step.path)
      return 0
  }
}

/**
 * Undoes a step that packets see, for as long as nothing has been adopted, or does nothing where it was not carried out, or where its
 * interface is gone.
 */
export function takeBack(machine: Machine, step: Step, described: Described): void {
  if (step.do === 'fill') emptySlot(machine, step, described)
  if (step.do === 'exchange') putBack(machine, step, described)
  if (step.do === 'attach') {
    using attachment = machine.openAttachment(step.aside ? nextPath(step.path) : step.path)
    if (attachment !== undefined && isAt(attachment, step)) attachment.detach()
  }
  if (step.do === 'replace' || step.do === 'take over' || step.do === 'detach') {
    // By its number, for it may have another name by now.
    const target = machine.interface(step.index)
    if (target === undefined) return
    const path = step.do === 'take over' ? step.from : step.path
    using program = openProgram(machine, path)
    put(machine, { ...step, path, interface: target.name }, program)
  }
}

/** The program of before comes into its slot again. */
function putBack(machine: Machine, { path, slot }: Step & { slot: number }, described: Described): void {
  const description = described(path)
  using array = description && machine.openMap(path, description)
  using program = machine.openProgram(keptPath(path, slot))
  if (program === undefined) throw refusal(`what was in ${path} [${slot}] is not kept`, 'run the command again')
  array?.install(slot, program)
}

function emptySlot(machine: Machine, { path, slot }: Step & { slot: number }, described: Described): void {
  const description = described(path)
  using array = description && machine.openMap(path, description)
  array?.delete(new Uint8Array(Uint32Array.of(slot).buffer))
}

type Placed = Extract<Step, { readonly interface: string }>

const isAt = (attachment: Attachment, step: Placed): boolean =>
  attachment.interface.index === step.index && attachment.point === step.point

const isAsideAtFirst = (step: Step): boolean => step.do === 'take over' || (step.do === 'attach' && step.aside === true)

function openProgram(machine: Machine, path: string): LoadedProgram {
  const program = machine.openProgram(programPath(path))
  if (program === undefined) throw refusal(`the program of ${path} went away meanwhile`, 'run the command again')
  return program
}

/** As {@link put}, where something else may be pinned at the path: what is at the place is where a change was left. */
function putAside(machine: Machine, step: Placed, program: LoadedProgram): void {
  const aside = nextPath(step.path)
  for (const path of ['from' in step ? step.from : aside, aside, step.path]) {
    using attachment = machine.openAttachment(path)
    if (attachment !== undefined && isAt(attachment, step)) return attachment.replace(program)
  }
  put(machine, { ...step, path: aside }, program)
}

/** Has the program run at its place, whatever ran there before. */
function put(machine: Machine, step: Placed, program: LoadedProgram): void {
  const { path, interface: name, point } = step
  using before = machine.openAttachment(path)
  if (before !== undefined && isAt(before, step)) return before.replace(program)
  before?.detach()
  const target = machine.interface(name)
  if (target === undefined)
    throw refusal(`the interface ${name} went away meanwhile`, 'create it, and run the command again')
  // The pin of an attachment whose interface is gone has the name that this one needs.
  if (machine.pinned(path).length > 0) machine.unpin(path)
  machine.attach(program, target, path, point)[Symbol.dispose]()
}
