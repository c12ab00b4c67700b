/** Interfaces come and go while graphs run. */
import type { Machine } from '../backend/machine.ts'
import { isHere } from './graph/home.ts'
import { numbersOf } from './plan/made.ts'
import type { Action } from './plan/plan.ts'
import { type Records, VERSION } from './plan/records.ts'

interface Parts {
  readonly machine: Machine
  readonly records: Records
}

/** Calls `repair` for each graph of whose interfaces another one has a name now, or none, one after the other. */
export function watchInterfaces(
  { machine, records }: Parts,
  repair: (graph: string) => Promise<{ readonly actions: readonly Action[] } | undefined>,
  tell: (graph: string, done: readonly Action[] | Error) => void,
): Disposable {
  const known = new Map<string, string>()
  let [isBusy, isLate, isOver] = [false, false, false]
  const look = async (): Promise<void> => {
    for (const name of records.names()) {
      try {
        const running = isOver ? undefined : records.read(name)
        if (running?.version !== VERSION || !isHere(machine, running)) continue
        const { graph } = running
        const now = numbersOf(machine, graph)
        if ((known.get(name) ?? running.made?.interfaces) === now) continue
        const made = await repair(name)
        known.set(name, now)
        if (made !== undefined && made.actions.length > 0) tell(name, made.actions)
      } catch (error) {
        // Tried again with the next thing that happens.
        known.delete(name)
        tell(name, error instanceof Error ? error : new Error(String(error)))
      }
    }
  }
  const changed = async (): Promise<void> => {
    isLate = true
    if (isBusy) return
    isBusy = true
    try {
      while (isLate) {
        isLate = false
        await look()
      }
    } catch (error) {
      // Nobody can tell which graphs there are: tried again with the next thing that happens.
      if (!(error instanceof Error)) throw error
    } finally {
      isBusy = false
    }
  }
  const watch = machine.watchInterfaces(changed)
  // What happened before.
  queueMicrotask(changed)
  return {
    [Symbol.dispose]() {
      isOver = true
      watch[Symbol.dispose]()
    },
  }
}
