/** Which numbers of an assembly are left open: see shared.ts. */
import type { Assembly, Copy, Node, Way } from './assembly.ts'
import type { DataPlaneSource } from './source.ts'
import { type Open, Wired } from './wired.ts'

/** The same assembly for all that are alike, and what makes it this one. */
export interface OpenAssembly {
  readonly assembly: Assembly<Open>
  readonly numbers: readonly number[]
  /** What each of the numbers is. */
  readonly kinds: readonly NumberKind[]
  /** Those that are called `0`, `1` and so on in it. */
  readonly instances: readonly string[]
}

export interface NumberKind {
  /** Whose it is. Undefined: the graph's. */
  readonly source?: DataPlaneSource
  /** `port`, `config.agingTime`, `port.cost`, `interface`, `slot`, `mark`, `copies` */
  readonly what: string
}

/** `leaves`: whether those of a kind may be left open. */
export function openAssembly(assembly: Assembly, leaves: (kind: NumberKind) => boolean): OpenAssembly {
  return new Opening(leaves).open(assembly)
}

/** 0 often means that there is nothing. */
const SMALLEST = 1
/** Those of so many bits are alike, if they have more than the ones before. Of seconds in nanoseconds, the first have room in 32. */
const BITS = [3, 8, 15, 16, 31]

class Opening {
  private readonly leaves: (kind: NumberKind) => boolean
  private readonly wired = new Map<string, Wired>()
  private readonly instances = new Map<string, number>()
  private readonly numbers: number[] = []
  private readonly kinds: NumberKind[] = []

  constructor(leaves: (kind: NumberKind) => boolean) {
    this.leaves = leaves
  }

  open({ name: _, slots: __, ...assembly }: Assembly): OpenAssembly {
    const { instances, numbers, kinds } = this
    const nodes = assembly.nodes.map((node, index) => this.node(node, index))
    return { assembly: { name: 'shared', ...assembly, nodes }, numbers, kinds, instances: [...instances.keys()] }
  }

  private node(node: Node, index: number): Node<Open> {
    const { source, port, config, ways } = node
    const instance = this.instances.get(node.instance) ?? this.instances.size
    this.instances.set(node.instance, instance)
    // What comes by no port counts in a row of its own.
    const portOf = (id: number): Open =>
      port === undefined ? id : this.number(`${instance}`, { source, what: 'port' }, id, id < 2 ** 15 ? 15 : 16)
    return {
      ...node,
      instance: `${instance}`,
      config: this.settings(`${instance}`, source, 'config', config),
      ...(port === undefined
        ? {}
        : { port: { id: portOf(port.id), config: this.settings(`node ${index}`, source, 'port', port.config) } }),
      ways: ways.map((way) => this.way(way, portOf(way.port))),
    }
  }

  private way(way: Way, port: Open): Way<Open> {
    switch (way.to) {
      case 'node':
        return { ...way, port, copy: this.copy(way.copy) }
      case 'tail':
        return { ...way, port, slot: this.slot(way.slot), copy: this.copy(way.copy) }
      case 'interface':
      case 'host':
        return { ...way, port, ifindex: this.interface(way.ifindex) }
      default:
        return { ...way, port }
    }
  }

  private copy(copy: Copy | undefined): Copy<Open> | undefined {
    if (copy === undefined) return undefined
    const most = this.number('', { what: 'copies' }, copy.most, 31)
    return { ifindex: this.interface(copy.ifindex), mark: this.mark(copy.mark), most }
  }

  private interface = (index: number): Open => this.number('', { what: 'interface' }, index, 31)
  /** In one generation equal to the number of a slot, and in the other not: so that programs of both are alike. */
  private mark = (mark: number): Open => this.number('', { what: 'mark' }, mark, 31)
  private slot = (slot: number): Open => this.number('', { what: 'slot' }, slot, 31)

  private settings(
    whose: string,
    source: DataPlaneSource,
    which: 'config' | 'port',
    given: Readonly<Record<string, unknown>>,
  ): Readonly<Record<string, unknown>> {
    return Object.fromEntries(
      Object.entries(given).map(([name, value]) => {
        const at = BITS.findIndex((bits) => typeof value === 'number' && value < 2 ** bits)
        const bits = BITS[at]
        if (typeof value !== 'number' || bits === undefined || !Number.isInteger(value) || value < SMALLEST)
          return [name, value]
        const least = 2 ** (BITS[at - 1] ?? 0)
        return [name, this.number(whose, { source, what: `${which}.${name}` }, value, bits, least)]
      }),
    )
  }

  /** Equal numbers of one kind are the same. */
  private number(whose: string, kind: NumberKind, value: number, bits: number, least = 0): Open {
    if (!this.leaves(kind)) return value
    const key = `${whose} ${kind.what} ${value}`
    const known = this.wired.get(key)
    if (known !== undefined) return known
    const place = this.numbers.push(value) - 1
    this.kinds.push(kind)
    const wired = wiredAt(kind.what, place, bits, least)
    this.wired.set(key, wired)
    return wired
  }
}

/** Alike in all assemblies. */
function wiredAt(what: string, place: number, bits: number, least: number): Wired {
  const name = `${what} ${place}`
  const key = `${name} ${bits}`
  const known = wiredNumbers.get(key)
  if (known !== undefined) return known
  const isCompared = !what.includes('.')
  const made = new Wired({ name, bits, least, places: [place], of: (numbers) => numbers[place] ?? 0, isCompared })
  wiredNumbers.set(key, made)
  return made
}

const wiredNumbers = new Map<string, Wired>()
