import type { Attachment, Interface, LoadedProgram } from '../backend/machine.ts'
import { refusal } from '../base/diagnostic.ts'
import type { Hook } from '../isa/program.ts'
import { ATTACH_TYPE, createLink, detachLink, LINK_TYPE, linkInfo, queryAttached, updateLink } from './bpf.ts'
import { check, ERRNO, failure } from './errno.ts'
import { close } from './ffi.ts'
import { findLink } from './netlink/link.ts'
import { Handle, kindOf, type Owner } from './objects.ts'
import { pin, pinned, unpin, withPin } from './pins.ts'
import { KernelProgram } from './programs.ts'

/**
 * Attachments that are BPF links: TCX (Linux 6.6) for programs of the TC hook, XDP (5.9) for the other. A pin keeps the
 * link, and the link keeps the program on the interface; before the pin, the death of this process undoes it all.
 */

const ATTACH: Readonly<Record<Hook, number>> = { tc: ATTACH_TYPE.tcx_ingress, xdp: ATTACH_TYPE.xdp }

export class LinkAttachment implements Attachment {
  readonly interface: Interface
  readonly #path: string
  readonly #handle: Handle

  constructor(target: Interface, path: string, handle: Handle) {
    this.interface = target
    this.#path = path
    this.#handle = handle
  }

  /** Undefined where this kernel has no TCX. */
  static attach(program: KernelProgram, target: Interface, path: string, owner?: Owner): LinkAttachment | undefined {
    const fd = createLink(program.fd, target.index, ATTACH[program.program.hook])
    if (fd === -ERRNO.EINVAL && program.program.hook === 'tc') return undefined
    check(fd, 'attach', `attach "${program.program.name}" to "${target.name}"`)
    const handle = new Handle(fd, owner)
    try {
      pin(path, fd)
    } catch (error) {
      handle[Symbol.dispose]()
      throw error
    }
    return new LinkAttachment(target, path, handle)
  }

  /** `fd` is the pin's, and this owns it now. Undefined where the interface is not here; where it is gone, so is the pin. */
  static open(path: string, fd: number, owner?: Owner): LinkAttachment | undefined {
    const target = targetOf(fd)
    if (target !== 'gone' && target !== 'elsewhere') return new LinkAttachment(target, path, new Handle(fd, owner))
    close(fd)
    if (target === 'gone') unpin(path)
    return undefined
  }

  replace(program: LoadedProgram): void {
    const next = kernelProgram(program)
    const what = `replace the program on "${this.interface.name}" by "${program.program.name}"`
    check(updateLink(this.#fd, next.fd), 'attach', what)
  }

  detach(): void {
    const result = detachLink(this.#fd)
    if (result < 0 && result !== -ERRNO.ENOLINK) {
      throw failure('attach', `detach from "${this.interface.name}"`, result)
    }
    unpin(this.#path)
    this[Symbol.dispose]()
  }

  get #fd(): number {
    if (this.#handle.fd < 0) throw refusal(`the attachment "${this.#path}" was disposed before`)
    return this.#handle.fd
  }

  [Symbol.dispose](): void {
    this.#handle[Symbol.dispose]()
  }
}

export function kernelProgram(program: LoadedProgram): KernelProgram {
  if (program instanceof KernelProgram) return program
  throw refusal(`the program "${program.program.name}" is not one of the kernel`, 'this is a bug in Tessera')
}

/**
 * The interface of a link. Its index counts in the interface's own network namespace: where that is another one than
 * this, the same number may be somebody else here, who does not have this link.
 */
function targetOf(fd: number): Interface | 'gone' | 'elsewhere' {
  const info = linkInfo(fd)
  if (typeof info === 'number' || info.interface === 0) return 'gone'
  if (info.type === LINK_TYPE.xdp) return findLink(info.interface) ?? 'elsewhere'
  const attached = queryAttached(info.interface, ATTACH_TYPE.tcx_ingress)
  const isHere = typeof attached !== 'number' && attached.some(({ link }) => link === info.id)
  return (isHere ? findLink(info.interface) : undefined) ?? 'elsewhere'
}

/** The ids of the links that are pinned under our root. */
export function ownLinks(): Set<number> {
  const ids = pinned('').map((path) => withPin(path, (fd) => (kindOf(fd) === 'link' ? linkInfo(fd) : undefined)))
  return new Set(ids.flatMap((info) => (typeof info === 'object' ? [info.id] : [])))
}
