/** Graph files with one bridge, for tests of the engine. */
import { builtinCubes } from '../daemon/host.ts'
import { readGraph } from '../engine/read/read.ts'

const catalogue = builtinCubes()
const PORTS = { a: 'va', b: 'vb' }

export interface BridgeSettings {
  readonly graph?: string
  readonly ports?: Readonly<Record<string, string>>
  readonly agingTime?: number
}

/** Between the interfaces va and vb, unless said otherwise. */
export const bridgeText = ({ graph = 'lan', ports = PORTS, agingTime = 300 }: BridgeSettings = {}): string =>
  [
    `graph: ${graph}`,
    'instances:',
    '  s:',
    '    cube: bridge',
    `    config: { agingTime: ${agingTime} }`,
    '    ports:',
    ...Object.entries(ports).map(([port, to]) => `      ${port}: { interface: ${to} }`),
    '',
  ].join('\n')

export const bridgeFile = (settings?: BridgeSettings) => readGraph('lan.yaml', bridgeText(settings), catalogue)

/** All that is pinned of it. */
export const bridgePins = (graph: string, ports: readonly string[]) =>
  [
    ...ports.flatMap((port) => [`${graph}/s/links/${port}`, `${graph}/@programs/s/links/${port}`]),
    ...['counters', 'stations'].map((map) => `${graph}/s/maps/${map}`),
  ].sort()
