/** What the engine gives the compiler of a graph: which data planes one program has, and where their ways lead. */
import type { Hook } from '../isa/program.ts'
import type { Look } from './look.ts'
import type { DataPlaneSource } from './source.ts'

/** The map of programs that others go over to. */
export const PROGRAMS = 'programs'

/**
 * What is tried one after the other, for as long as the verifier comes to no end. It foresees less and less: `planned`, what an
 * estimate lets it; `hidden`, no comparison but of what loops count (passes/hide-tests.ts); `bounded`, nor those, for loops end by
 * a budget, if they have not ended before (passes/bound-loops.ts, Linux 6.9).
 */
export const COMPARISONS = ['planned', 'hidden', 'bounded'] as const
export type Comparisons = (typeof COMPARISONS)[number]

/** What is tried next of a program with which the verifier has come to no end; undefined where there is nothing left. */
export function comparisonsAfter(comparisons: Comparisons = 'planned', hasBudgets: boolean): Comparisons | undefined {
  const next = COMPARISONS[COMPARISONS.indexOf(comparisons) + 1]
  return next === 'bounded' && !hasBudgets ? undefined : next
}

export interface Assembly<N = number> {
  /** The program's name, in the kernel and in its tools. */
  readonly name: string
  /** TC unless said otherwise. */
  readonly hook?: Hook
  /** For TC: whether packets have arrived, or are about to leave. Those of other programs of the graph are as if they had arrived. */
  readonly direction?: 'ingress' | 'egress'
  /** `cell`: `now()` reads a map named `clock` instead of the kernel's clock. */
  readonly clock?: 'kernel' | 'cell'
  /** CPUs that counters have places for: 1 unless said otherwise. More of them share places. */
  readonly cpus?: number
  /**
   * Packets come in at the first. Each is in the program once, however many ways lead to it, and no way leads back: one that would is
   * a tail call.
   */
  readonly nodes: readonly Node<N>[]
  /** Entries of the array of programs that tail calls go by, a map named `programs`. */
  readonly slots?: number
  readonly comparisons?: Comparisons | undefined
  /** What somebody wants to see of it. */
  readonly look?: Look | undefined
  /** Packets that other programs of the graph send here are to pass it at once: they are marked. TC. */
  readonly passesMarked?: boolean
  /** Its packets come from other programs of the graph, which go over to it, or make copies for it. */
  readonly isNext?: boolean
}

/** An instance of a cube, as packets meet it that come in by one of its ports, or in one direction. */
export interface Node<N = number> {
  readonly source: DataPlaneSource
  /** The maps of the instance are `<instance>/<map>` in the program. */
  readonly instance: string
  readonly config: Readonly<Record<string, unknown>>
  /** The port that packets come in by. A transparent cube has none. */
  readonly port?: { readonly id: N; readonly config: Readonly<Record<string, unknown>> } | undefined
  /** Nothing of the data plane: all packets are sent by this port, and did not come by any. */
  readonly sends?: number | undefined
  /** Of packets through a transparent cube: `ingress` comes from outside. */
  readonly direction?: 'ingress' | 'egress' | undefined
  /** Ports that the instance's counters have room for. */
  readonly capacity: number
  /** Where each port leads, the one above included. Of a transparent cube one: where `next()` leads. */
  readonly ways: readonly Way<N>[]
}

/** Where what is sent by a port goes. */
export type Way<N = number> = { readonly port: N } & Destination<N>

export type Destination<N = number> =
  /** Another node of the program, by its place among them. */
  | { readonly to: 'node'; readonly node: number; readonly copy?: Copy<N> | undefined }
  /** Another program, by a tail call. */
  | { readonly to: 'tail'; readonly slot: N; readonly copy?: Copy<N> | undefined }
  /**
   * `peer`: to the other end of a pair, in another network namespace (bpf_redirect_peer, Linux 5.10). `marked`: past a program of the
   * graph that is on its way out. TC.
   */
  | {
      readonly to: 'interface'
      readonly ifindex: N
      readonly peer?: boolean | undefined
      readonly marked?: boolean | undefined
    }
  /** The host's own stack, as if it had arrived at that interface; `arrived`: it did. TC. */
  | { readonly to: 'host'; readonly ifindex: N; readonly arrived?: boolean | undefined }
  /** Where it was going without this program: to the host's stack, or out of the interface. */
  | { readonly to: 'on' }
  /** Dropped: `not_connected`. */
  | { readonly to: 'nowhere' }

/**
 * How a copy of a packet goes on at another cube, if a flood leads to more than one: on its way out of a device of the engine's, with
 * the program that is meant in its `tc_index` (marked.ts). TC.
 */
export interface Copy<N = number> {
  readonly ifindex: N
  readonly mark: N
  /** Copies that a packet may be made of (lower/copies.ts). */
  readonly most: N
}
