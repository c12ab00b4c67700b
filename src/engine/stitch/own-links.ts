/** Interfaces of the engine's own. */
import { createHash } from 'node:crypto'

/** Another one for each graph of each Tessera on a host: names of interfaces have 15 letters at most. */
const short = (graph: string, tessera: string): string => {
  const whose = tessera === '' ? graph : `${tessera}/${graph}`
  return `tess-${createHash('sha256').update(whose).digest('hex').slice(0, 8)}`
}

/** The way in of its control planes ({@link Machine.createGate}). */
export const gateOf = (graph: string, tessera: string): string => short(graph, tessera)

/** What hands out its copies of packets (copies.ts). */
export const deviceOf = (graph: string, tessera: string): string => `${short(graph, tessera)}c`
