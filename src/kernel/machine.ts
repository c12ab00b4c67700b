import type { Attachment, Interface, LoadedProgram, Machine, MachineMap } from '../backend/machine.ts'
import { refusal } from '../base/diagnostic.ts'
import type { MapDescription, Program } from '../isa/program.ts'
import { ATTACH_TYPE, programById, programInfo, queryAttached } from './bpf.ts'
import { FilterAttachment, isOwnFilter, removeFilters } from './clsact.ts'
import { ERRNO, failure } from './errno.ts'
import { close } from './ffi.ts'
import { kernelProgram, LinkAttachment, ownLinks } from './links.ts'
import { KernelMap } from './maps.ts'
import { filters } from './netlink/filter.ts'
import { findLink } from './netlink/link.ts'
import { kindOf, type Owner } from './objects.ts'
import { openPin, pinned, unpin, withPin } from './pins.ts'
import { probe } from './probes.ts'
import { KernelProgram } from './programs.ts'
import { requireKernel } from './requirements.ts'

export interface KernelOptions {
  /** How programs get on the ingress of an interface; `auto` is TCX where the kernel has it, else clsact. */
  readonly attach?: 'auto' | 'tcx' | 'clsact'
}

/** Changes nothing on the host, and refuses where the kernel machine cannot work. */
export function openKernelMachine(options: KernelOptions = {}): Machine {
  requireKernel()
  return new KernelMachine(options.attach ?? 'auto')
}

class KernelMachine implements Machine {
  readonly name = 'kernel'
  readonly #attach: 'auto' | 'tcx' | 'clsact'
  readonly #open: Owner = new Set()

  constructor(attach: 'auto' | 'tcx' | 'clsact') {
    this.#attach = attach
  }

  createMap(name: string, description: MapDescription): MachineMap {
    return KernelMap.create(name, description, this.#open)
  }

  openMap(path: string, description: MapDescription): MachineMap | undefined {
    return KernelMap.open(path, description, this.#open)
  }

  load(program: Program, maps: Readonly<Record<string, MachineMap>>): LoadedProgram {
    return KernelProgram.load(program, maps, this.#open)
  }

  interface(name: string): Interface | undefined {
    return findLink(name)
  }

  foreign(target: Interface): readonly string[] {
    const attached = queryAttached(target.index, ATTACH_TYPE.tcx_ingress)
    // EINVAL: a kernel without TCX has nothing there.
    if (typeof attached === 'number' && attached !== -ERRNO.EINVAL) {
      throw failure('attach', `ask which programs are on "${target.name}"`, attached)
    }
    const programs = typeof attached === 'number' ? [] : attached
    const own = programs.length === 0 ? new Set<number>() : ownLinks()
    return [
      ...programs.filter(({ link }) => !own.has(link)).map(({ program }) => `tcx program ${describe(program)}`),
      ...filters(target.index, 'ingress')
        .filter((filter) => !isOwnFilter(filter))
        .map(
          ({ kind, name, priority }) => `${kind} filter ${name === undefined ? `priority ${priority}` : `"${name}"`}`,
        ),
    ]
  }

  attach(program: LoadedProgram, target: Interface, path: string): Attachment {
    const loaded = kernelProgram(program)
    this.#clear(path)
    if (!this.#usesLinks(loaded)) return FilterAttachment.attach(loaded, target, path)
    const attachment = LinkAttachment.attach(loaded, target, path, this.#open)
    if (attachment !== undefined) return attachment
    if (this.#attach === 'auto') return FilterAttachment.attach(loaded, target, path)
    throw failure('attach', `attach "${loaded.program.name}" to "${target.name}"`, ERRNO.EINVAL)
  }

  openAttachment(path: string): Attachment | undefined {
    const fd = openPin(path)
    if (fd === undefined) return undefined
    const kind = kindOf(fd)
    if (kind === 'link') return LinkAttachment.open(path, fd, this.#open)
    close(fd)
    if (kind === 'program') return FilterAttachment.open(path)
    throw refusal(`what is pinned at "${path}" is a map and no attachment`, 'unpin it, or use another path')
  }

  pinned(prefix: string): readonly string[] {
    return pinned(prefix)
  }

  /** A link goes with its last pin and takes its program off the interface; a filter would stay, so it goes first. */
  unpin(path: string): void {
    if (withPin(path, kindOf) === 'program') removeFilters(path)
    unpin(path)
  }

  now(): bigint {
    return process.hrtime.bigint()
  }

  /** Closes the handles; what is pinned or attached stays. */
  [Symbol.dispose](): void {
    for (const handle of this.#open) handle[Symbol.dispose]()
  }

  /** An attachment whose interface is gone, or in another network namespace, makes room for a new one. */
  #clear(path: string): void {
    const before = this.openAttachment(path)
    before?.[Symbol.dispose]()
    if (before !== undefined) throw failure('pin', `attach at "${path}"`, ERRNO.EEXIST)
    if (withPin(path, kindOf) !== undefined) unpin(path)
  }

  #usesLinks({ program }: KernelProgram): boolean {
    if (program.hook === 'xdp' || this.#attach === 'tcx') return true
    return this.#attach === 'auto' && probe('tcx').kind !== 'not supported'
  }
}

/** `17 "cil_from_netdev"`; only the number where this process may not open programs of others (CAP_SYS_ADMIN). */
function describe(id: number): string {
  const fd = programById(id)
  if (fd < 0) return String(id)
  const info = programInfo(fd)
  close(fd)
  return typeof info === 'number' ? String(id) : `${id} "${info.name}"`
}
