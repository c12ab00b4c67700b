import type { Gate, LoadedProgram } from '../backend/machine.ts'
import { Link } from './attachment.ts'
import type { Network, VirtualInterface } from './network.ts'
import { loadedBehind } from './program.ts'

/** An interface for each slot, with its program. */
export class VirtualGate implements Gate {
  readonly #network: Network
  readonly #name: string
  readonly #ends: () => void
  readonly #slots = new Map<number, { readonly at: VirtualInterface; readonly link: Link }>()

  constructor(network: Network, name: string, ends: () => void) {
    this.#network = network
    this.#name = name
    this.#ends = ends
  }

  install(slot: number, program: LoadedProgram): void {
    const loaded = loadedBehind(program)
    const known = this.#slots.get(slot)
    if (known !== undefined) return known.link.replace(loaded)
    const at = this.#network.add(`${this.#name}.${slot}`, '06:00:00:00:ff:00', true)
    this.#slots.set(slot, { at, link: new Link(at, loaded, 'tc ingress').hold() })
  }

  send(slot: number, frame: Uint8Array): void {
    const to = this.#slots.get(slot)
    if (to !== undefined) this.#network.send(to.at, 'in', frame)
  }

  [Symbol.dispose](): void {
    for (const { at, link } of this.#slots.values()) {
      link.release()
      this.#network.remove(at.name)
    }
    this.#slots.clear()
    this.#ends()
  }
}
