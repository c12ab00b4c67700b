/** What becomes one program: one data plane by itself, or all those of an assembly. */
import type { Hook } from '../isa/program.ts'
import type { Assembly, Comparisons, Node, Way } from './assembly.ts'
import type { LowerOptions } from './lower/frame.ts'
import type { DataPlaneSource } from './source.ts'
import type { Open } from './wired.ts'
import { type NodeWiring, ROW_OF, type Wiring } from './wiring.ts'

/** What makes an instance of a cube, at one of its ports, out of the cube: all of it constant in the program. */
export interface Specialisation {
  /** The program's name, in the kernel and in its tools. */
  readonly name: string
  readonly config: Readonly<Record<string, unknown>>
  /** Configuration of the port that packets come in by. */
  readonly port: Readonly<Record<string, unknown>>
  readonly wiring: Wiring
  /** What the program is for: TC unless said otherwise. */
  readonly hook?: Hook
  /** For TC: whether packets have arrived, or are about to leave. */
  readonly direction?: 'ingress' | 'egress'
  /** `returned`: verdicts become return values, and nothing is counted. */
  readonly verdicts?: 'wired' | 'returned'
  /** `cell`: `now()` reads a map named `clock` instead of the kernel's clock. */
  readonly clock?: 'kernel' | 'cell'
  /** As {@link Assembly.cpus}. */
  readonly cpus?: number
  /** `none`: all functions are compiled in. */
  readonly calls?: 'planned' | 'none'
  readonly comparisons?: Comparisons | undefined
}

/** What becomes a program. */
export interface Whole extends Omit<Assembly, 'nodes'>, Pick<Specialisation, 'verdicts' | 'calls'> {
  readonly nodes: readonly Part[]
}

/** A data plane in it. */
export interface Part extends Pick<LowerOptions, 'prefix' | 'wiring'> {
  readonly source: DataPlaneSource
  readonly config: Specialisation['config']
  readonly port: Specialisation['port']
  /** As {@link Node.sends}. */
  readonly sends?: number | undefined
}

export function alone(source: DataPlaneSource, options: Specialisation) {
  const { config, port, wiring: _, ...common } = options
  const node = { source, prefix: '', config, port, wiring: wired(source, options) }
  return { ...common, nodes: [node] } as const satisfies Whole
}

/** The wiring of a program of one node. */
function wired({ cube }: DataPlaneSource, { wiring, direction }: Specialisation): NodeWiring {
  const { exits, ...own } = wiring
  const ways = cube.shape === 'transparent' ? [] : exits.map((exit) => ({ to: 'interface', ...exit }) as const)
  return { ...own, direction, ways: ordered(ways, own.port) }
}

const ordered = (ways: readonly Way[], own: number): readonly Way[] =>
  [...ways].sort((a, b) => Number(a.port === own) - Number(b.port === own) || a.port - b.port)

/** With the ways of each node in the order of their ports, its own last, and nodes in the order in which ways lead to them. */
export const sortWays = (assembly: Assembly): Assembly =>
  sortNodes({
    ...assembly,
    nodes: assembly.nodes.map((node) => ({ ...node, ways: ordered(node.ways, ownOf(node)) })),
  })

/** Each still comes before those that it leads to. */
function sortNodes(assembly: Assembly): Assembly {
  const { nodes } = assembly
  const behind: number[] = []
  const seen = new Set<number>()
  const visit = (place: number): void => {
    if (seen.has(place)) return
    seen.add(place)
    for (const way of nodes[place]?.ways.toReversed() ?? []) if (way.to === 'node') visit(way.node)
    behind.push(place)
  }
  visit(0)
  const order = behind.toReversed()
  if (order.length < nodes.length || order.every((place, index) => place === index)) return assembly
  const places = new Map(order.map((place, index) => [place, index]))
  const moved = (way: Way): Way => (way.to === 'node' ? { ...way, node: places.get(way.node) ?? way.node } : way)
  return {
    ...assembly,
    nodes: order.flatMap((place) => nodes[place] ?? []).map((node) => ({ ...node, ways: node.ways.map(moved) })),
  }
}

const ownOf = <N>({ port, direction = 'ingress' }: Node<N>): N | number => port?.id ?? ROW_OF[direction]

export const wholeOf = (assembly: Assembly<Open>): Whole => ({ ...assembly, nodes: assembly.nodes.map(together) })

function together(node: Node<Open>): Part {
  const { source, instance, config, port, sends, direction = 'ingress', ways, capacity } = node
  const wiring = { port: ownOf(node), direction, ways, capacity }
  return { source, prefix: `${instance}/`, config, port: port?.config ?? {}, sends, wiring }
}
