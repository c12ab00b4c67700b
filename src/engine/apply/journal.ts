/**
 * A change from its beginning to its end. What is to be undone or done is written down before anything is done, so that whoever
 * comes after a process that was killed in between gets to one of both: all of the change, or nothing of it.
 */
import type { Machine } from '../../backend/machine.ts'
import { asideFolders, seenPath } from '../graph/paths.ts'
import { keepCounts } from '../plan/counted.ts'
import type { Conversions } from '../plan/migrate.ts'
import type { Action, Step } from '../plan/plan.ts'
import { type Journal, type Records, type Running, recordedMap } from '../plan/records.ts'
import type { Beginning } from '../stitch/beginning.ts'
import type { Wanted } from '../stitch/stitch.ts'
import { carryOut, type Described, forget, isPreparation, prepare, takeBack } from './apply.ts'

export interface Site {
  readonly machine: Machine
  readonly records: Records
}

export interface Changing extends Running {
  readonly change: Journal
}

/** Packets see these, and they can be taken back. */
const isSwitch = ({ do: what }: Step): boolean =>
  ['attach', 'replace', 'take over', 'detach', 'fill', 'exchange', 'settle'].includes(what)

export interface Changed {
  /** Entries that were given up, because a smaller table was full. */
  readonly lost: number
  /** Why something is left of what was there before, which the next change goes on with. */
  readonly left?: string
}

/** Carries out all of it, or, where it throws, nothing. */
export function change(
  site: Site,
  before: Running | undefined,
  running: Running,
  wanted: Wanted,
  actions: readonly Action[],
  conversions: Conversions,
  beginning: Beginning,
): Changed {
  const { machine, records } = site
  if (actions.length === 0) {
    records.write({ ...running, state: 'applied' })
    return { lost: 0 }
  }
  const preparations = actions.filter(isPreparation)
  const steps = actions.filter((action): action is Step => !isPreparation(action))
  const undo = preparations.flatMap((action) => {
    if (action.do === 'install') return []
    return action.do === 'copy' ? seenPath(action.path) : action.at
  })
  const changing: Changing = { ...running, change: { before, undo, steps } }
  records.write({ ...changing, state: 'applying' })
  const done: Step[] = []
  try {
    machine.inBulk(() => prepare(machine, wanted, preparations, conversions, beginning))
    records.write({ ...changing, state: 'switching' })
    machine.inBulk(() => {
      for (const step of steps.filter(isSwitch)) {
        done.push(step)
        carryOut(machine, step, describedIn(changing), conversions)
      }
    })
  } catch (error) {
    takeAllBack(site, changing, done)
    throw error
  }
  return tidy(site, changing, conversions)
}

/** Each step by itself: what cannot be taken back keeps no other one from being so. */
function takeAllBack(site: Site, changing: Changing, done: readonly Step[]): void {
  const { machine } = site
  const back = done.toReversed()
  const leftOf = (steps: readonly Step[]): readonly Step[] =>
    steps.filter((step) => !isTakenBack(machine, step, describedIn(changing)))
  try {
    const left = machine.inBulk(() => leftOf(back.filter(({ do: it }) => it !== 'fill')))
    machine.inBulk(() => {
      // An interface may have gone while it was tried.
      if (leftOf(left).length > 0) return
      // Packets may be in programs that no other packet meets, and go over to what is filled in.
      if (back.length > 0) machine.settle()
      if (leftOf(back.filter(({ do: it }) => it === 'fill')).length > 0) return
      // From here on there is nothing to finish it with.
      if (back.length > 0) site.records.write({ ...changing, state: 'applying' })
      abandon(site, changing)
    })
  } catch {
    // The machine is in no state to be changed. The record says what is to be done, and the first error why it was not.
  }
}

function isTakenBack(machine: Machine, step: Step, described: Described): boolean {
  try {
    takeBack(machine, step, described)
    return true
  } catch {
    return false
  }
}

/** Nothing of it was ever there. */
export function abandon({ machine, records }: Site, { graph, change: { before, undo } }: Changing): void {
  machine.inBulk(() => forget(machine, undo))
  if (before === undefined) records.remove(graph.name)
  else records.write(before)
}

/** What nobody needs any more goes. Packets are with the new graph by now, or will be when what is exchanged is: there is no way back. */
function tidy(site: Site, changing: Changing, conversions: Conversions): Changed {
  const rest = changing.change.steps.filter((step) => !isSwitch(step))
  try {
    return { lost: settle(site, changing, rest, conversions) }
  } catch {
    // Each step can be done again.
  }
  try {
    return { lost: settle(site, changing, rest, conversions) }
  } catch (error) {
    const why = error instanceof Error ? error.message : error
    return { lost: 0, left: `the graph ${changing.graph.name} runs as it shall, but not all is tidied up: ${why}` }
  }
}

/** After a process that was killed when packets had begun to see the change. Interfaces that went meanwhile are left out. */
export function finish(site: Site, changing: Changing, conversions: Conversions): number {
  const { machine } = site
  const canBeDone = (step: Step): boolean =>
    !('interface' in step) ||
    step.do === 'detach' ||
    step.do === 'retire' ||
    machine.interface(step.interface) !== undefined
  const steps = machine.inBulk(() => changing.change.steps.filter(canBeDone))
  // Of what was moved away, its folder is left if somebody was killed just then.
  const clear = () => {
    for (const folder of asideFolders(changing.graph.name)) forget(machine, machine.pinned(folder))
  }
  return machine.inBulk(() => settleAll(site, changing, steps, conversions, clear))
}

const settle = (site: Site, changing: Changing, steps: readonly Step[], conversions: Conversions): number =>
  site.machine.inBulk(() => settleAll(site, changing, steps, conversions))

/** `clear` is called before the change is said to be over. */
function settleAll(
  site: Site,
  changing: Changing,
  steps: readonly Step[],
  conversions: Conversions,
  clear = () => {},
): number {
  const { machine, records } = site
  const described = describedIn(changing)
  const { before } = changing.change
  // What was counted before may be in there already.
  let running = records.read(changing.graph.name) ?? changing
  let lost = 0
  for (const step of steps) {
    if (step.do === 'keep counts') {
      const kept = keepCounts(machine, step, before?.counted?.[step.path])
      if (kept === undefined) continue
      running = { ...running, counted: { ...running.counted, [step.path]: kept } }
      records.write(running)
    } else lost += carryOut(machine, step, described, conversions)
  }
  clear()
  const { change: _, ...applied } = running
  records.write({ ...applied, state: 'applied' })
  return lost
}

const describedIn = (running: Running) => (path: string) => recordedMap(running, path)
