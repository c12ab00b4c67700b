/** What the events of a program mean that is traced: known when it is compiled, so that only their numbers are told. */
import type { SourceLine } from './program.ts'

/** What happens to a packet at a port: it comes in, is sent out by it, dies, or is left to the control plane. */
export type Sight = (typeof SIGHTS)[number]
export const SIGHTS = ['in', 'out', 'drop', 'punt'] as const

/** Something that can happen to a packet at a place of a program. */
export type TraceSite = { readonly id: number } & (
  | {
      readonly kind: 'counted'
      readonly instance: string
      readonly sight: Sight
      readonly reason: string | undefined
      /** What is sent goes on in the graph. */
      readonly isInside: boolean
    }
  | (AtLine & { readonly kind: 'decision'; readonly outcome: boolean })
  | (AtLine & { readonly kind: 'verdict' })
  | (AtLine & { readonly kind: 'read' | 'write'; readonly field: string; readonly as: TracedType })
)

interface AtLine {
  readonly line: SourceLine
  /** What is written there. */
  readonly text: string
}

/** How the value of an event is to be read. */
export type TracedType = 'int' | 'bool' | 'mac' | 'ipv4' | 'ipv6'
