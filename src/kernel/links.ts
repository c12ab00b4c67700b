import type { Attachment, Interface, LoadedProgram } from '../backend/machine.ts'
import { refusal } from '../base/diagnostic.ts'
import type { AttachPoint } from '../isa/program.ts'
import {
  ATTACH_TYPE,
  createLink,
  detachLink,
  LINK_TYPE,
  type LinkInfo,
  linkInfo,
  queryAttached,
  updateLink,
  XDP_MODE,
} from './bpf.ts'
import { check, ERRNO, failure } from './errno.ts'
import { close } from './ffi.ts'
import { findLink, type Link } from './netlink/link.ts'
import { Handle, kindOf, type Owner } from './objects.ts'
import { pin, pinned, unpin, withPin } from './pins.ts'
import { KernelProgram } from './programs.ts'

/**
 * Attachments that are BPF links: TCX (Linux 6.6) for programs of the TC hook, XDP (5.9) for the other. A pin keeps the
 * link, and the link keeps the program on the interface; before the pin, the death of this process undoes it all.
 */

export const ATTACH: Readonly<Record<AttachPoint, { readonly type: number; readonly flags: number }>> = {
  'tc ingress': { type: ATTACH_TYPE.tcx_ingress, flags: 0 },
  'tc egress': { type: ATTACH_TYPE.tcx_egress, flags: 0 },
  'xdp native': { type: ATTACH_TYPE.xdp, flags: XDP_MODE.native },
  'xdp generic': { type: ATTACH_TYPE.xdp, flags: XDP_MODE.generic },
}

export class LinkAttachment implements Attachment {
  readonly interface: Interface
  readonly point: AttachPoint
  readonly #path: string
  readonly #handle: Handle
  readonly #hurry: () => void

  constructor(target: Interface, point: AttachPoint, path: string, handle: Handle, hurry: () => void) {
    this.interface = target
    this.point = point
    this.#path = path
    this.#handle = handle
    this.#hurry = hurry
  }

  /** Undefined where this kernel has no TCX. `hurry` is called before what takes the kernel long; `made` is a link that is there already. */
  static attach(
    program: KernelProgram,
    target: Interface,
    path: string,
    point: AttachPoint,
    hurry: () => void,
    owner?: Owner,
    made?: number,
  ): LinkAttachment | undefined {
    const { type, flags } = ATTACH[point]
    const fd = made ?? createLink(program.fd, target.index, type, flags)
    if (fd === -ERRNO.EINVAL && type !== ATTACH_TYPE.xdp) return undefined
    check(fd, 'attach', `attach "${program.program.name}" to "${target.name}" (${point})`)
    const handle = new Handle(fd, owner)
    try {
      pin(path, fd)
    } catch (error) {
      handle[Symbol.dispose]()
      throw error
    }
    return new LinkAttachment(target, point, path, handle, hurry)
  }

  /** `fd` is the pin's, and this owns it now. Undefined where the interface is not here; where it is gone, so is the pin. */
  static open(
    path: string,
    fd: number,
    find: typeof findLink,
    hurry: () => void,
    owner?: Owner,
  ): LinkAttachment | undefined {
    const info = linkInfo(fd)
    if (typeof info === 'number') {
      close(fd)
      throw failure('attach', `ask for the interface of "${path}"`, info)
    }
    const target = info.interface === 0 ? 'gone' : targetOf(info, find)
    if (target !== 'gone' && target !== 'elsewhere')
      return new LinkAttachment(target, pointOf(info, target), path, new Handle(fd, owner), hurry)
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
    this.#hurry()
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
function targetOf(info: LinkInfo, find: typeof findLink): Link | 'elsewhere' {
  const found = find(info.interface)
  if (found === undefined) return 'elsewhere'
  if (info.type === LINK_TYPE.xdp) {
    const has = (link: Link | undefined) => Object.values(link?.xdp ?? {}).includes(info.program)
    // What is known of it may be from before the program came there.
    const now = has(found) ? found : findLink(info.interface)
    return now !== undefined && has(now) ? now : 'elsewhere'
  }
  const attached = queryAttached(info.interface, info.attachType)
  const isHere = typeof attached !== 'number' && attached.some(({ link }) => link === info.id)
  return isHere ? found : 'elsewhere'
}

function pointOf(info: LinkInfo, { xdp }: Link): AttachPoint {
  if (info.type === LINK_TYPE.xdp) return xdp.generic === info.program ? 'xdp generic' : 'xdp native'
  return info.attachType === ATTACH_TYPE.tcx_egress ? 'tc egress' : 'tc ingress'
}

/** The links that are pinned under our root. */
export function ownLinks(): LinkInfo[] {
  const infos = pinned('').map((path) => withPin(path, (fd) => (kindOf(fd) === 'link' ? linkInfo(fd) : undefined)))
  return infos.flatMap((info) => (typeof info === 'object' ? [info] : []))
}
