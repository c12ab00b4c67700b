/** The only place with effects: carries out a plan, or undoes what it did of it. */
import type { LoadedProgram, Machine, MachineMap } from '../backend/machine.ts'
import { refusal } from '../base/diagnostic.ts'
import { Held } from '../base/held.ts'
import type { Action } from './plan.ts'
import type { Wanted } from './stitch.ts'

export function apply(machine: Machine, wanted: Wanted, actions: readonly Action[]): void {
  using held = new Held()
  const undo: (() => void)[] = []
  try {
    const maps = openMaps(machine, wanted, actions, held, undo)
    // Everything is loaded, and so verified, before the first packet can meet any of it.
    const loaded = new Map<string, LoadedProgram>()
    for (const action of actions) {
      if (action.do !== 'attach' && action.do !== 'replace') continue
      const given = Object.entries(action.maps).flatMap(([name, path]) => {
        const map = maps.get(path)
        return map === undefined ? [] : [[name, map] as const]
      })
      loaded.set(action.path, held.use(machine.load(action.program, Object.fromEntries(given))))
    }
    for (const action of actions) carryOut(machine, action, loaded, maps, undo)
  } catch (error) {
    for (const step of undo.reverse()) step()
    throw error
  }
}

function openMaps(
  machine: Machine,
  wanted: Wanted,
  actions: readonly Action[],
  held: Held,
  undo: (() => void)[],
): Map<string, MachineMap> {
  const maps = new Map<string, MachineMap>()
  for (const action of actions) {
    if (action.do === 'remove' && action.path in wanted.maps) machine.unpin(action.path)
    if (action.do !== 'create map') continue
    const map = held.use(machine.createMap(action.path.split('/').at(-1) ?? action.path, action.description))
    map.pin(action.path)
    undo.push(() => machine.unpin(action.path))
    maps.set(action.path, map)
  }
  for (const [path, description] of Object.entries(wanted.maps)) {
    if (maps.has(path)) continue
    const map = machine.openMap(path, description)
    if (map === undefined) throw refusal(`the map ${path} went away meanwhile`, 'run the command again')
    maps.set(path, held.use(map))
  }
  return maps
}

function carryOut(
  machine: Machine,
  action: Action,
  loaded: ReadonlyMap<string, LoadedProgram>,
  maps: ReadonlyMap<string, MachineMap>,
  undo: (() => void)[],
): void {
  const program = loaded.get(action.path)
  switch (action.do) {
    case 'create map':
      return
    case 'set entries':
      for (const [key, value] of action.entries) maps.get(action.path)?.update(key, value)
      return
    case 'clear entries':
      for (const key of action.keys) maps.get(action.path)?.delete(key)
      return
    case 'attach': {
      const target = machine.interface(action.interface)
      if (program === undefined || target === undefined)
        throw refusal(`the interface ${action.interface} went away meanwhile`, 'create it, and run the command again')
      const attachment = machine.attach(program, target, action.path, action.point)
      attachment[Symbol.dispose]()
      undo.push(() => machine.openAttachment(action.path)?.detach())
      return
    }
    case 'replace': {
      const attachment = machine.openAttachment(action.path)
      if (program === undefined || attachment === undefined)
        throw refusal(`the interface ${action.interface} went away meanwhile`, 'create it, and run the command again')
      attachment.replace(program)
      attachment[Symbol.dispose]()
      return
    }
    case 'detach':
      return machine.openAttachment(action.path)?.detach()
    case 'remove':
      return machine.unpin(action.path)
  }
}
