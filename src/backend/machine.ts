import type { AttachPoint, MapDescription, Program } from '../isa/program.ts'

/**
 * What runs programs: the kernel, or the user-space VM. Everything above this interface works on both and cannot tell
 * which one it has. All methods are synchronous; all throw a `Refusal` that says what to do.
 *
 * Paths name pinned objects and look like `office/switch/maps/stations`: they outlive the process on the kernel
 * machine (bpffs), and the VM keeps them for as long as it lives.
 */
export interface Machine extends Disposable {
  readonly name: 'kernel' | 'vm'
  /** How many CPUs there can be. */
  readonly cpus: number
  /** Whether programs may have loops that end by a budget (`may_goto`). */
  readonly hasBudgets: boolean
  /** Of several Tesseras on a host, which know nothing of each other: the name of this one. Empty where it has none. */
  readonly tessera: string

  /** A map that exists until it is closed and unpinned. `name` is what tools show. */
  createMap(name: string, description: MapDescription): MachineMap
  /** The map pinned at `path`; undefined where there is none or where its description differs. */
  openMap(path: string, description: MapDescription): MachineMap | undefined

  /** Verifies and loads. `maps` has an entry for every map that the program refers to, described alike. */
  load(program: Program, maps: Readonly<Record<string, MachineMap>>): LoadedProgram
  /**
   * Until disposed, {@link load} is going to be called with these: a machine may begin with it at once. Nothing is refused here, and what
   * was not asked for is forgotten.
   */
  loadSoon(program: Program, maps: Readonly<Record<string, MachineMap>>): Disposable
  /** The program pinned at `path`, of which no more is known than its name and its hook; undefined where there is none. */
  openProgram(path: string): LoadedProgram | undefined

  /**
   * Whose interfaces these are: machines of which this differs know others by the same names. One word, or two, of which the second
   * tells it from those that had the first before.
   */
  readonly namespace: string
  /** Runs where another machine said that of its {@link namespace}; here, where that is gone. Not for asynchronous functions. */
  within<T>(namespace: string, run: () => T): T
  /**
   * What a graph may attach to, by name or by number; undefined where there is no such interface. `blue/eth0` is the veth eth0 in
   * the network namespace blue: what is found is its other end, which has to be in this one.
   */
  interface(which: string | number): Interface | undefined
  /** Whether there is a network namespace of that name. */
  hasNamespace(name: string): boolean
  /**
   * Runs what asks after many things, or changes many: what is asked about interfaces is answered as of one moment, and others
   * wait no longer for us than for one change. Not for asynchronous functions, which it does not wait for.
   */
  inBulk<T>(run: () => T): T
  /** Calls `changed` in a turn of its own after interfaces came, went, or were changed in another way, until disposed. */
  watchInterfaces(changed: () => void): Disposable
  /**
   * Programs at this point of an interface that are not attachments of this project: one line each, for people
   * (`tcx program 17 "cil_from_netdev"`). Empty when the interface is free.
   */
  foreign(target: Interface, point: AttachPoint): readonly string[]
  /** Where XDP programs belong that redirect between these interfaces: by their drivers only if all of them can. */
  xdpPoint(targets: readonly Interface[]): AttachPoint
  /** Runs `program` on every frame that comes by this point of `target`, until detached. */
  attach(program: LoadedProgram, target: Interface, path: string, point: AttachPoint): Attachment
  /**
   * Until disposed, {@link attach} is going to be called for this point of an interface, where no attachment is: a machine may begin with
   * it at once. Packets notice nothing of it, nothing is refused here, and it goes with the process.
   */
  attachSoon(target: Interface, point: AttachPoint): Disposable
  /** The attachment pinned at `path`; undefined where there is none, or where its interface is gone. */
  openAttachment(path: string): Attachment | undefined

  /** Pinned paths under `prefix`, deepest first, each relative to the root. */
  pinned(prefix: string): readonly string[]
  /** The first names of all pinned paths, without a look at the rest of them. */
  pinFolders(): readonly string[]
  /** Forgets a pin of any kind, or an empty folder; what it named lives on only while somebody else holds it. */
  unpin(path: string): void
  /** Forgets the pin of a map, or of a program that was pinned by itself: where that is attached does not change. */
  forget(path: string): void
  /**
   * From one moment to the next, what is pinned at `from` is at `to`, and what was there is forgotten. An attachment, which packets
   * notice nothing of, is known by one of both at any time.
   */
  movePin(from: string, to: string): void
  /** Returns when no packet is any more on its way through a program that has been replaced or detached. */
  settle(): void

  /**
   * A way into programs of the TC hook for packets of ours: as many slots, each for a program. It is there until it is disposed, or
   * this process dies; one of the same name that somebody has left goes. `name` has up to 14 characters.
   */
  createGate(name: string, slots: number): Gate
  /** Takes it away, if it is there: a process that was killed leaves some of it. */
  removeGate(name: string): void
  /** An interface that is always up, and by which only programs send; there may be one already. What no program there takes is gone. */
  createDevice(name: string): Interface
  /** Takes it away, if it is there. */
  removeDevice(name: string): void
  /** Of a gate that somebody has made: a thread or a process sends by one of its own. Undefined where there is none. */
  openGate(name: string): GateSender | undefined

  /** Nanoseconds of the clock that `now()` reads in a data plane. */
  now(): bigint
}

/**
 * A map. One of maps (`inner`) stands for the map that is in it: keys, values and entries are that one's. Reading and
 * writing them takes CAP_SYS_ADMIN in the kernel; replacing all of them does not.
 */
export interface MachineMap extends Disposable {
  readonly description: MapDescription
  /** Bytes of a value as {@link lookup} and {@link update} have it. */
  readonly valueSize: number
  /** The value's bytes; for a per-CPU map the values of all CPUs, one after the other, each padded to 8 bytes. */
  lookup(key: Uint8Array): Uint8Array | undefined
  /** With a condition: only a key that is new, or only one that is there already. False where it does not hold. */
  update(key: Uint8Array, value: Uint8Array, only?: 'new' | 'present'): boolean
  /** False where there was no such key. */
  delete(key: Uint8Array): boolean
  /** A snapshot: entries added or removed meanwhile may or may not be in it. */
  entries(): readonly (readonly [key: Uint8Array, value: Uint8Array])[]
  /**
   * The key behind this one, in the order of the machine; the first one where there is none given, or none like it. Undefined behind the
   * last. Kernels before 6.13 may take a prefix that is not there for another one of its length.
   */
  keyAfter(key?: Uint8Array): Uint8Array | undefined
  /**
   * Of a queue or a stack, whose key has no bytes: the value that is next, taken out. There `lookup` gives it and leaves it
   * in, `update` adds one, and neither `delete` nor `entries` is possible.
   */
  pop(): Uint8Array | undefined
  /**
   * Of a map of maps: another map with these entries takes the place of the one that is in it, from one packet to the next.
   * Where they do not fit, a Refusal, and nothing has changed.
   */
  replaceAll(entries: Iterable<readonly [key: Uint8Array, value: Uint8Array]>): void
  /** Of a Bloom filter, to which `update` adds, and nothing else is possible: whether the value may be in it. */
  has(value: Uint8Array): boolean
  /**
   * Of a ring, with which nothing else is possible: the records that are ready, in their order, taken out. There can be one
   * consumer at a time.
   */
  consume(): readonly Uint8Array[]
  /** Of a ring: the same without copies, at most `most` records. Says how many. */
  drain(most: number, visit: VisitRecord): number
  /** Of a ring: calls `ready` whenever there is something to consume, in a turn of its own, until disposed. */
  watch(ready: () => void): Disposable
  /**
   * Of an array of programs, in which nothing else but this, `pinProgram` and `delete` is possible: programs go over to this one by
   * its number. All are of one hook. The array is emptied when its last handle and pin are gone, because programs in it may hold
   * it.
   */
  install(index: number, program: LoadedProgram): void
  /** Pins the program at a number. False where there is none, or this process may not have it (the kernel takes CAP_SYS_ADMIN). */
  pinProgram(index: number, path: string): boolean
  pin(path: string): void
}

/** Disposing takes it away, with whatever is on its way. */
export interface Gate extends Disposable {
  install(slot: number, program: LoadedProgram): void
}

export interface GateSender extends Disposable {
  /** A frame meets the program of a slot as if it had arrived at an interface: at once, or with the next {@link flush}. */
  send(slot: number, frame: Uint8Array): void
  /** Says how many frames could not be sent since the last one. */
  flush(): number
}

/** A record, `length` bytes `at` a place in memory that is good until this returns. Nothing else can be asked of the ring meanwhile. */
export type VisitRecord = (bytes: Uint8Array, view: DataView, at: number, length: number) => void

export interface LoadedProgram extends Disposable {
  readonly program: Program
  /** Runs on one packet without touching the network (the kernel's `BPF_PROG_TEST_RUN`). */
  run(packet: Uint8Array): RunResult
  pin(path: string): void
}

export interface RunResult {
  /** What the program returned, as unsigned 32 bits. */
  readonly verdict: number
  /** The packet afterwards. */
  readonly packet: Uint8Array
}

export interface Interface {
  readonly name: string
  readonly index: number
  readonly up: boolean
  readonly mac: Uint8Array
}

/** A program on an interface. Disposing lets go of the handle; only {@link Attachment.detach} stops the program. */
export interface Attachment extends Disposable {
  readonly interface: Interface
  readonly point: AttachPoint
  /** From one packet to the next: each sees the old program or the new one. */
  replace(program: LoadedProgram): void
  /** Stops the program and forgets the pin. */
  detach(): void
}
