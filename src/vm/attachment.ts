import type { Attachment, Interface } from '../backend/machine.ts'
import { refusal } from '../base/diagnostic.ts'
import { type AttachPoint, hookAt } from '../isa/program.ts'
import type { VirtualInterface } from './network.ts'
import type { Pins } from './pins.ts'
import type { VirtualProgram } from './program.ts'

/** A program at an interface (the kernel's `bpf_link`). It runs while somebody holds it: a handle or a pin. */
export class Link {
  readonly target: VirtualInterface
  readonly point: AttachPoint
  program: VirtualProgram
  #holders = 0

  constructor(target: VirtualInterface, program: VirtualProgram, point: AttachPoint) {
    const { hook, name } = program.program
    if (hook !== hookAt(point))
      throw refusal(`program "${name}" is for ${hook}: it cannot be attached at ${point}`, 'compile it for that hook')
    if (hook === 'xdp' && target.xdp !== undefined)
      throw refusal(`"${target.name}" has an XDP program already`, 'detach it first, or replace it')
    this.target = target
    this.point = point
    this.program = program.hold()
    if (hook === 'xdp') target.xdp = this
    else this.#chain.push(this)
  }

  get attached(): boolean {
    return this.target.present && (this.target.xdp === this || this.#chain.includes(this))
  }

  /** Of a program of the TC hook: with which others it runs. */
  get #chain(): Link[] {
    return this.point === 'tc egress' ? this.target.egress : this.target.ingress
  }

  hold(): this {
    this.#holders++
    return this
  }

  release(): void {
    this.#holders--
    if (this.#holders === 0) this.stop()
  }

  replace(program: VirtualProgram): void {
    const old = this.program
    if (old.program.hook !== program.program.hook)
      throw refusal(`an attachment of a ${old.program.hook} program cannot take a ${program.program.hook} program`)
    this.program = program.hold()
    old.release()
  }

  stop(): void {
    const at = this.#chain.indexOf(this)
    if (this.target.xdp === this) this.target.xdp = undefined
    else if (at !== -1) this.#chain.splice(at, 1)
    else return
    this.program.release()
  }
}

/** A handle on a link. */
export class VirtualAttachment implements Attachment {
  readonly #link: Link
  readonly #pins: Pins
  readonly #programOf: (program: unknown) => VirtualProgram
  #open = true
  readonly interface: Interface

  constructor(link: Link, target: Interface, pins: Pins, programOf: (program: unknown) => VirtualProgram) {
    this.#link = link.hold()
    this.interface = target
    this.#pins = pins
    this.#programOf = programOf
  }

  get point(): AttachPoint {
    return this.#link.point
  }

  replace(program: Parameters<Attachment['replace']>[0]): void {
    this.#check()
    if (!this.#link.attached) throw refusal(`the program on "${this.interface.name}" was detached`)
    this.#link.replace(this.#programOf(program))
  }

  detach(): void {
    this.#check()
    this.#link.stop()
    this.#pins.forget(this.#link)
  }

  [Symbol.dispose](): void {
    if (!this.#open) return
    this.#open = false
    this.#link.release()
  }

  #check(): void {
    if (!this.#open) throw refusal(`this handle of the attachment to "${this.interface.name}" was closed`)
  }
}
