import { assemble, call, load, loadMap, mov, store, verdict } from '../backend/assemble.ts'
import type { Gate, GateSender, LoadedProgram, MachineMap } from '../backend/machine.ts'
import { SK_BUFF, TC_ACT } from '../isa/opcodes.ts'
import type { MapDescription } from '../isa/program.ts'
import { ATTACH_TYPE, createLink } from './bpf.ts'
import { check, ERRNO } from './errno.ts'
import { FrameSender } from './frame-sender.ts'
import { addFilter } from './netlink/filter.ts'
import { changeLink, createVeth, deleteLink, findLink, linkNamed } from './netlink/link.ts'
import { addClsact } from './netlink/qdisc.ts'
import { Handle, type Owner } from './objects.ts'
import { ProgramArray } from './program-array.ts'
import { KernelProgram } from './programs.ts'

/** Of any interface (ETH_MAX_MTU): a packet that came by one of a graph may be larger than those of most. */
const LARGEST_MTU = 65_535

/**
 * A pair of veths: what is sent by the outer end arrives at the inner one, where a program goes over to the one that its mark
 * names. All of it is gone with the pair.
 */
export class KernelGate implements Gate {
  readonly #name: string
  readonly #programs: MachineMap
  readonly #link: Handle | undefined

  private constructor(name: string, programs: MachineMap, link: Handle | undefined) {
    this.#name = name
    this.#programs = programs
    this.#link = link
  }

  static open(name: string, slots: number, owner?: Owner): KernelGate {
    // What a process that was killed has left.
    KernelGate.remove(name)
    createVeth({ name: inner(name) }, { name: outer(name) })
    try {
      for (const end of [inner(name), outer(name)]) changeLink(end, { silent: true, mtu: LARGEST_MTU, up: true })
      const programs = ProgramArray.create('gate', arrayOf(slots), owner)
      using dispatch = KernelProgram.load(dispatcher(slots), { programs })
      return new KernelGate(name, programs, attach(dispatch, inner(name), owner))
    } catch (error) {
      deleteLink(outer(name))
      throw error
    }
  }

  /** The pair, of which this process may know nothing: its program goes with it. */
  static remove(name: string): void {
    deleteLink(outer(name))
  }

  install(slot: number, program: LoadedProgram): void {
    this.#programs.install(slot, program)
  }

  [Symbol.dispose](): void {
    this.#link?.[Symbol.dispose]()
    this.#programs[Symbol.dispose]()
    deleteLink(outer(this.#name))
  }
}

export class KernelGateSender implements GateSender {
  readonly #sender: FrameSender

  private constructor(sender: FrameSender) {
    this.#sender = sender
  }

  static open(name: string, owner?: Owner): KernelGateSender | undefined {
    return findLink(outer(name)) && new KernelGateSender(FrameSender.open(outer(name), owner))
  }

  send(slot: number, frame: Uint8Array): void {
    this.#sender.add(frame, slot)
  }

  flush(): number {
    return this.#sender.flush()
  }

  [Symbol.dispose](): void {
    this.#sender[Symbol.dispose]()
  }
}

/** Interface names have 15 characters. */
const inner = (name: string): string => `${name}i`
const outer = (name: string): string => `${name}o`

const arrayOf = (entries: number): MapDescription => ({
  kind: 'prog_array',
  key: WORD,
  value: WORD,
  entries,
})

const SCALAR = { kind: 'scalar', size: 4, signed: false, align: 4 } as const
const WORD = { kind: 'struct', size: 4, align: 4, fields: [{ name: 'index', offset: 0, layout: SCALAR }] } as const

/** The mark was ours: nobody else is to see it. */
const dispatcher = (slots: number) =>
  assemble(
    'gate',
    'tc',
    [
      load(4, 'r3', 'r1', SK_BUFF.mark),
      mov('r4', 0),
      store(4, 'r1', SK_BUFF.mark, 'r4'),
      loadMap('r2', 'programs'),
      call('tail_call'),
      verdict(TC_ACT.shot),
    ],
    { maps: { programs: arrayOf(slots) } },
  )

/** Undefined where this kernel has no TCX, and it is a filter. */
function attach(program: KernelProgram, name: string, owner?: Owner): Handle | undefined {
  const { index } = linkNamed(name)
  const fd = createLink(program.fd, index, ATTACH_TYPE.tcx_ingress)
  if (fd !== -ERRNO.EINVAL) return new Handle(check(fd, 'attach', `attach "gate" to "${name}"`), owner)
  addClsact(index)
  addFilter(index, 'ingress', program.fd, 'gate')
  return undefined
}
