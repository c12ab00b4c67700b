/** What is made for a graph before its change begins, while it is still worked out: nobody has pinned it, and what is left over goes. */
import type { Machine, MachineMap } from '../../backend/machine.ts'
import { Held } from '../../base/held.ts'
import type { AttachPoint, MapDescription } from '../../isa/program.ts'
import { mapOwner, owned } from './owner.ts'
import { isSameMap } from './same-map.ts'
import type { WantedProgram } from './stitch.ts'

/** A program, with the paths of its maps. */
export type Placed = Pick<WantedProgram, 'program' | 'maps'>

export class Beginning implements Disposable {
  private readonly machine: Machine
  /** By their paths. */
  private readonly maps = new Map<string, MachineMap>()
  private readonly expected = new Held()

  constructor(machine: Machine) {
    this.machine = machine
  }

  /** A program that is wanted, as far as that is known. All its maps will be new. */
  expect({ program, maps }: Placed): void {
    const given = Object.entries(program.maps).map(([name, description]) => {
      const path = maps[name] ?? name
      const map = this.maps.get(path) ?? this.create(path, description)
      this.maps.set(path, map)
      return [name, map] as const
    })
    this.load(program, Object.fromEntries(given))
  }

  /** On maps that are there. */
  load(program: WantedProgram['program'], maps: Readonly<Record<string, MachineMap>>): void {
    this.expected.use(this.machine.loadSoon(program, maps))
  }

  /** Of an interface that has nothing of this graph. */
  attach(name: string, point: AttachPoint): void {
    const target = this.machine.interface(name)
    if (target !== undefined) this.expected.use(this.machine.attachSoon(target, point))
  }

  /** A map that was made and is nobody's yet, or else a new one. */
  map(path: string, description: MapDescription): MachineMap {
    const made = this.maps.get(path)
    if (made === undefined || !isSameMap(made.description, description)) return this.create(path, description)
    this.maps.delete(path)
    return made
  }

  [Symbol.dispose](): void {
    this.expected[Symbol.dispose]()
    for (const map of this.maps.values()) map[Symbol.dispose]()
    this.maps.clear()
  }

  private create(path: string, description: MapDescription): MachineMap {
    return owned(mapOwner(path), () => this.machine.createMap(path.split('/').at(-1) ?? path, description))
  }
}
