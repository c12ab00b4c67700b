import type { Attachment, Gate, GateSender, Interface, LoadedProgram, Machine, MachineMap } from '../backend/machine.ts'
import { refusal } from '../base/diagnostic.ts'
import { type AttachPoint, hookAt, isProgramArray, type MapDescription, type Program } from '../isa/program.ts'
import { Ahead } from './ahead.ts'
import { ATTACH_TYPE, programById, programInfo, queryAttached } from './bpf.ts'
import { exclusivelyInTurns } from './bpffs.ts'
import { FilterAttachment, isOwnFilter, moveFilter, removeFilters } from './clsact.ts'
import { ERRNO, failure } from './errno.ts'
import { awaitReaders, close } from './ffi.ts'
import { KernelGate, KernelGateSender } from './gate.ts'
import { Glance } from './glance.ts'
import { calm, Haste } from './haste.ts'
import { kernelProgram, LinkAttachment } from './links.ts'
import { isNothingYet, LinksAhead } from './links-ahead.ts'
import { MapOfMaps } from './map-of-maps.ts'
import { KernelMap, possibleCpus } from './maps.ts'
import { hasNamespace, withinNamespace } from './namespace.ts'
import { ownNamespace } from './namespace-file.ts'
import { filters } from './netlink/filter.ts'
import { changeLink, createVeth, deleteLink, findLink, linkNamed } from './netlink/link.ts'
import { watchLinks } from './netlink/watch.ts'
import { kindOf, type Owner } from './objects.ts'
import { peerOf } from './peer.ts'
import { movePin, openPin, pinFolders, pinned, unpin, withPin } from './pins.ts'
import { INSTANCE } from './places.ts'
import { probe } from './probes.ts'
import { ProgramArray } from './program-array.ts'
import { type Given, KernelProgram } from './programs.ts'
import { requireKernel } from './requirements.ts'
import { canNatively } from './xdp.ts'

export interface KernelOptions {
  /** How programs of the TC hook get on an interface; `auto` is TCX where the kernel has it, else clsact. */
  readonly attach?: 'auto' | 'tcx' | 'clsact'
}

/** Changes nothing on the host, and refuses where the kernel machine cannot work. */
export function openKernelMachine(options: KernelOptions = {}): Machine {
  requireKernel()
  calm()
  return new KernelMachine(options)
}

function kindOfMap({ kind, inner }: MapDescription): typeof KernelMap {
  if (isProgramArray(kind)) return ProgramArray
  return inner === undefined ? KernelMap : MapOfMaps
}

interface Bulk {
  readonly glance: Glance
  readonly haste: Haste
}

class KernelMachine implements Machine {
  readonly name = 'kernel'
  readonly cpus = possibleCpus()
  readonly tessera = INSTANCE
  readonly #attach: 'auto' | 'tcx' | 'clsact'
  readonly #open: Owner = new Set()
  /** Numbers of links that were pinned under our root when it was looked. */
  readonly #ownLinks = new Set<number>()
  readonly #ahead = new Ahead()
  readonly #links = new LinksAhead()
  /** Of what runs in bulk just now. */
  #bulk: Bulk | undefined

  constructor({ attach = 'auto' }: KernelOptions) {
    this.#attach = attach
  }

  get hasBudgets(): boolean {
    return probe('may_goto').kind === 'supported'
  }

  createMap(name: string, description: MapDescription): MachineMap {
    return kindOfMap(description).create(name, description, this.#open)
  }

  openMap(path: string, description: MapDescription): MachineMap | undefined {
    return kindOfMap(description).open(path, description, this.#open)
  }

  load(program: Program, maps: Given): LoadedProgram {
    const loading = this.#ahead.take(program, maps) ?? KernelProgram.begin(program, maps)
    return loading.end(this.#open)
  }

  loadSoon(program: Program, maps: Given): Disposable {
    return this.#ahead.expect(program, maps)
  }

  openProgram(path: string): LoadedProgram | undefined {
    return KernelProgram.open(path, this.#open)
  }

  get namespace(): string {
    return ownNamespace()
  }

  within<T>(namespace: string, run: () => T): T {
    return withinNamespace(namespace, run)
  }

  interface(which: string | number): Interface | undefined {
    const [namespace, inside] = String(which).split('/')
    return namespace === undefined || inside === undefined ? this.#glance().find(which) : peerOf(namespace, inside)
  }

  hasNamespace(name: string): boolean {
    return hasNamespace(name)
  }

  inBulk<T>(run: () => T): T {
    if (this.#bulk !== undefined) return run()
    using haste = new Haste()
    this.#bulk = { glance: new Glance(), haste }
    try {
      return exclusivelyInTurns(run)
    } finally {
      this.#bulk = undefined
    }
  }

  watchInterfaces(changed: () => void): Disposable {
    return watchLinks(changed)
  }

  foreign(target: Interface, point: AttachPoint): readonly string[] {
    const glance = this.#glance()
    if (hookAt(point) === 'xdp') return foreignXdp(target, glance)
    const [attachType, direction] =
      point === 'tc egress'
        ? ([ATTACH_TYPE.tcx_egress, 'egress'] as const)
        : ([ATTACH_TYPE.tcx_ingress, 'ingress'] as const)
    const attached = queryAttached(target.index, attachType)
    // EINVAL: a kernel without TCX has nothing there.
    if (typeof attached === 'number' && attached !== -ERRNO.EINVAL) {
      throw failure('attach', `ask which programs are on "${target.name}"`, attached)
    }
    const programs = typeof attached === 'number' ? [] : attached
    // Which links are ours does not change, so only others are looked for among the pins.
    if (programs.some(({ link }) => !this.#ownLinks.has(link)))
      for (const { id } of glance.ownLinks()) this.#ownLinks.add(id)
    return [
      ...programs
        .filter(({ link, program }) => !this.#ownLinks.has(link) && !isNothingYet(nameOf(program)))
        .map(({ program }) => `tcx program ${describe(program)}`),
      ...(glance.mayHaveFilters(target.index) ? filters(target.index, direction) : [])
        .filter((filter) => !isOwnFilter(filter))
        .map(
          ({ kind, name, priority }) => `${kind} filter ${name === undefined ? `priority ${priority}` : `"${name}"`}`,
        ),
    ]
  }

  xdpPoint(targets: readonly Interface[]): AttachPoint {
    return targets.every(({ index }) => canNatively(index)) ? 'xdp native' : 'xdp generic'
  }

  attach(program: LoadedProgram, target: Interface, path: string, point: AttachPoint): Attachment {
    const loaded = kernelProgram(program)
    const { hook, name } = program.program
    if (hook !== hookAt(point))
      throw failure('attach', `attach "${name}" at ${point}`, ERRNO.EINVAL, `it is for ${hook}`)
    this.#clear(path)
    if (hook === 'tc' && !this.#usesLinks()) return this.#attachFilter(loaded, target, path, point)
    const made = this.#links.take(loaded.fd, target.index, point)
    if (made === undefined) this.#hurry()
    const attachment = LinkAttachment.attach(loaded, target, path, point, this.#hurry, this.#open, made)
    if (attachment !== undefined) return attachment
    if (this.#attach === 'auto') return this.#attachFilter(loaded, target, path, point)
    throw failure('attach', `attach "${name}" to "${target.name}"`, ERRNO.EINVAL)
  }

  attachSoon({ index }: Interface, point: AttachPoint): Disposable {
    return hookAt(point) === 'tc' && this.#usesLinks() ? this.#links.expect(index, point) : { [Symbol.dispose]() {} }
  }

  openAttachment(path: string): Attachment | undefined {
    const fd = openPin(path)
    if (fd === undefined) return undefined
    const kind = kindOf(fd)
    if (kind === 'link') return LinkAttachment.open(path, fd, this.#glance().find, this.#hurry, this.#open)
    close(fd)
    if (kind === 'program') return this.#openFilter(path)
    throw refusal(`what is pinned at "${path}" is a map and no attachment`, 'unpin it, or use another path')
  }

  pinned(prefix: string): readonly string[] {
    return pinned(prefix)
  }

  pinFolders(): readonly string[] {
    return pinFolders()
  }

  /** A link goes with its last pin and takes its program off the interface; a filter would stay, so it goes first. */
  unpin(path: string): void {
    if (withPin(path, kindOf) === 'program') removeFilters(path)
    unpin(path)
  }

  forget(path: string): void {
    unpin(path)
  }

  movePin(from: string, to: string): void {
    const filter = this.#glance().ownFilters().get(from)
    if (filter === undefined) return movePin(from, to)
    moveFilter(filter, from, to)
    this.#bulk?.glance.forgetFilters()
  }

  settle(): void {
    // With CPUs that nobody is to disturb (nohz_full), the kernel only waits after it has exchanged a map in a map.
    if (awaitReaders() < 0) MapOfMaps.create('settle', ONE_ENTRY)[Symbol.dispose]()
  }

  createGate(name: string, slots: number): Gate {
    return KernelGate.open(name, slots, this.#open)
  }

  removeGate(name: string): void {
    KernelGate.remove(name)
  }

  createDevice(name: string): Interface {
    const [device, other] = [findLink(name), findLink(`${name}p`)]
    // Who watches interfaces hears of each change, also where nothing is another.
    if (device?.up === true && other?.up === false) return device
    if (device === undefined) createVeth({ name }, { name: `${name}p` })
    changeLink(name, { silent: true, up: true })
    // What no program takes goes no further.
    changeLink(`${name}p`, { silent: true, up: false })
    return linkNamed(name)
  }

  removeDevice(name: string): void {
    deleteLink(name)
  }

  openGate(name: string): GateSender | undefined {
    return KernelGateSender.open(name, this.#open)
  }

  now(): bigint {
    return process.hrtime.bigint()
  }

  /** Closes the handles; what is pinned or attached stays. */
  [Symbol.dispose](): void {
    this.#ahead[Symbol.dispose]()
    this.#links[Symbol.dispose]()
    for (const handle of this.#open) handle[Symbol.dispose]()
  }

  /** An attachment whose interface is gone, or in another network namespace, makes room for a new one. */
  #clear(path: string): void {
    const before = this.openAttachment(path)
    before?.[Symbol.dispose]()
    if (before !== undefined) throw failure('pin', `attach at "${path}"`, ERRNO.EEXIST)
    if (withPin(path, kindOf) !== undefined) unpin(path)
  }

  #attachFilter(program: KernelProgram, target: Interface, path: string, point: AttachPoint): FilterAttachment {
    this.#bulk?.glance.forgetFilters()
    return FilterAttachment.attach(program, target, path, point === 'tc egress' ? 'egress' : 'ingress')
  }

  #openFilter(path: string): FilterAttachment | undefined {
    const { find, ownFilters } = this.#glance()
    const filter = ownFilters().get(path)
    const target = filter && find(filter.interface)
    return filter && target && new FilterAttachment(target, path, filter.direction)
  }

  /** Before what takes the kernel long. */
  readonly #hurry = (): void => this.#bulk?.haste.count()

  #glance(): Glance {
    return this.#bulk?.glance ?? new Glance()
  }

  #usesLinks(): boolean {
    if (this.#attach === 'tcx') return true
    return this.#attach === 'auto' && probe('tcx').kind !== 'not supported'
  }
}

const NUMBER = { kind: 'scalar', size: 4, signed: false, align: 4 } as const
const ONE_ENTRY = {
  kind: 'array_of_maps',
  key: NUMBER,
  value: NUMBER,
  entries: 1,
  inner: { kind: 'array', key: NUMBER, value: NUMBER, entries: 1 },
} as const

/** An XDP program that no link of ours has there. */
function foreignXdp({ index }: Interface, glance: Glance): readonly string[] {
  const programs = Object.entries(glance.find(index)?.xdp ?? {})
  const own = new Set(programs.length === 0 ? [] : glance.ownLinks().map(({ program }) => program))
  return programs.filter(([, id]) => !own.has(id)).map(([mode, id]) => `XDP program ${describe(id)} (${mode})`)
}

/** `17 "cil_from_netdev"` */
function describe(id: number): string {
  const name = nameOf(id)
  return name === undefined ? String(id) : `${id} "${name}"`
}

/** Undefined where this process may not open programs of others (CAP_SYS_ADMIN). */
function nameOf(id: number): string | undefined {
  const fd = programById(id)
  if (fd < 0) return undefined
  const info = programInfo(fd)
  close(fd)
  return typeof info === 'number' ? undefined : info.name
}
