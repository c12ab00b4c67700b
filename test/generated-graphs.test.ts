/**
 * Generated graphs against a naive model, on both machines: what comes out and where, with the stamps of which cubes, what ports
 * count, and that each packet meets a graph as it was or as it is to be, at any moment of any change.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type GraphLab, graphsOnEveryMachine, packet } from '../src/testing/index.ts'

const MARKS_AT = 14
const PLACES = 8
const MOST_INSTANCES = 6
const frame = packet()
  .ethernet()
  .ipv4()
  .udp()
  .payload('as long as all marks')
  .bytes()
  .fill(0, MARKS_AT, MARKS_AT + PLACES)

interface Port {
  /** An interface, another port, or nothing. */
  link: { readonly interface: string } | { readonly instance: number; readonly port: number } | undefined
  /** Transparent cubes on it, the outermost first: those that let nothing out, and those that let everything pass. */
  through: readonly ('inlet' | 'tap')[]
}

interface Instance {
  readonly kind: 'stamp' | 'steer' | 'patch'
  /** What it leaves in packets, or the port that it sends them to. */
  readonly number: number
  readonly ports: readonly Port[]
}

/** Links make no rings. */
type Sketch = readonly Instance[]

const MOST_PORTS = 5
const INTERFACES = MOST_INSTANCES * MOST_PORTS

/** Some interfaces are in another network namespace. With another `turn`, each port has an interface that was another one's. */
function interfaceOf(instance: number, port: number, turn: number): string {
  const number = (instance * MOST_PORTS + port + turn) % INTERFACES
  return `${number % 3 === 2 ? 'blue/' : ''}e${number}`
}

/** What makes a sketch: each number is a choice, of which the remainder counts. */
interface Choices {
  readonly shape: readonly number[]
  /** Of instances, each its own. */
  readonly numbers: readonly number[]
}

/** What the choices say, one after the other. */
function sketch({ shape, numbers }: Choices): Sketch {
  let at = 0
  const choose = (count: number): number => (shape[at++ % shape.length] ?? 0) % count
  const turn = choose(3)
  const instances = Array.from({ length: 2 + choose(MOST_INSTANCES - 1) }, (_, instance): Instance => {
    const kind = (['stamp', 'stamp', 'stamp', 'steer', 'patch'] as const)[choose(5)] ?? 'stamp'
    const count = kind === 'patch' ? 2 : 2 + choose(3)
    const ports = Array.from({ length: count }, (): Port => ({ link: undefined, through: [] }))
    const number = numbers[instance] ?? 0
    return { kind, number: kind === 'steer' ? number % (count + 1) : 1 + (number % 255), ports }
  })
  for (const [instance, { ports }] of instances.entries()) {
    const above = instances[choose(Math.max(1, instance))]
    const free = above?.ports.findLastIndex(({ link }) => link === undefined) ?? -1
    const up = above?.ports[free]
    const [own] = ports
    if (instance > 0 && up !== undefined && own !== undefined && choose(8) > 0) {
      own.link = { instance: instances.indexOf(above as Instance), port: free }
      up.link = { instance, port: 0 }
    }
  }
  for (const [instance, { ports }] of instances.entries())
    for (const [port, one] of ports.entries()) {
      if (one.link === undefined && choose(8) > 0) one.link = { interface: interfaceOf(instance, port, turn) }
      if (one.link !== undefined && choose(6) === 0) one.through = choose(2) === 0 ? ['tap'] : ['tap', 'inlet']
    }
  return instances
}

/** The file. Who has transparent cubes writes the link. */
function fileOf(graph: Sketch): string {
  const transparent: string[] = []
  const standard = graph.map(({ kind, number, ports }, instance) => {
    const config = { stamp: `{ place: ${instance}, number: ${number} }`, steer: `{ to: ${number} }`, patch: '{}' }[kind]
    const described = ports.map(({ link, through }, port) => {
      const names = through.map((cube, place) => {
        const name = `t${instance}x${port}x${place}`
        transparent.push(`  ${name}: { cube: ./${cube} }`)
        return name
      })
      const parts: string[] = []
      if (link !== undefined && 'interface' in link) {
        const [name = '', namespace] = link.interface.split('/').toReversed()
        parts.push(`interface: ${name}`, ...(namespace === undefined ? [] : [`namespace: ${namespace}`]))
      } else if (link !== undefined && (link.instance < instance || (link.instance === instance && link.port < port)))
        parts.push(`to: i${link.instance}.p${link.port}`)
      if (names.length > 0) parts.push(`through: [${names.join(', ')}]`)
      return `p${port}: { ${parts.join(', ')} }`
    })
    return `  i${instance}: { cube: ./${kind}, config: ${config}, ports: { ${described.join(', ')} } }`
  })
  return ['graph: generated', 'instances:', ...transparent, ...standard].join('\n')
}

type Count = 'received' | 'sent' | 'no_such_port' | 'not_connected'

/** A packet would go to and fro for longer than the kernel lets it. */
class TooFar extends Error {}
const FARTHEST = 12

/** What becomes of a packet that comes in by an interface: where it comes out with which marks, and what is counted. */
class Model {
  readonly counts = new Map<string, number>()
  private readonly graph: Sketch
  private out: string[] = []

  constructor(graph: Sketch) {
    this.graph = graph
  }

  interfaces(): string[] {
    const links = this.graph.flatMap(({ ports }) => ports.flatMap(({ link }) => link ?? []))
    return links.flatMap((link) => ('interface' in link ? [link.interface] : []))
  }

  send(from: string): readonly string[] {
    this.out = []
    for (const [instance, { ports }] of this.graph.entries())
      for (const [port, { link }] of ports.entries())
        if (link !== undefined && 'interface' in link && link.interface === from)
          this.receive(
            instance,
            port,
            Array.from({ length: PLACES }, () => 0),
            0,
          )
    return this.out.sort()
  }

  private count(instance: number, port: number, what: Count): void {
    const key = `i${instance}.p${port} ${what}`
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1)
  }

  private receive(instance: number, port: number, marks: readonly number[], hops: number): void {
    if (hops > FARTHEST) throw new TooFar()
    this.count(instance, port, 'received')
    const { kind, number, ports } = this.graph[instance] ?? { kind: 'patch', number: 0, ports: [] }
    if (kind !== 'stamp') {
      const to = kind === 'steer' ? number : 1 - port
      if (to >= ports.length) return this.count(instance, port, 'no_such_port')
      if (ports[to]?.link === undefined) return this.count(instance, port, 'not_connected')
      return this.leave(instance, to, marks, hops)
    }
    const others = ports.flatMap(({ link }, other) => (other === port || link === undefined ? [] : [other]))
    if (others.length === 0) this.count(instance, port, 'no_such_port')

    for (const other of others) this.leave(instance, other, marks.with(instance, number), hops)
  }

  private leave(instance: number, port: number, marks: readonly number[], hops: number): void {
    this.count(instance, port, 'sent')
    const { link, through } = this.graph[instance]?.ports[port] ?? { link: undefined, through: [] }
    if (link === undefined || through.includes('inlet')) return
    if ('interface' in link) this.out.push(`${link.interface}: ${marks.join(' ')}`)
    else this.receive(link.instance, link.port, marks, hops + 1)
  }
}

/** What does come out. */
const sent = (lab: GraphLab, from: string): readonly string[] =>
  Object.entries(lab.send(from, frame))
    .flatMap(([name, frames]) => frames.map((one) => `${name}: ${one.slice(MARKS_AT, MARKS_AT + PLACES).join(' ')}`))
    .sort()

/** What does get counted. */
function counted(lab: GraphLab, graph: Sketch): ReadonlyMap<string, number> {
  const all = graph.flatMap(({ ports }, instance) =>
    ports.flatMap((_, port) => {
      const { received, sent, drops } = lab.counters(`i${instance}`, `p${port}`)
      const counts = { received, sent, ...drops }
      return Object.entries(counts).map(
        ([what, { packets }]) => [`i${instance}.p${port} ${what}`, Number(packets)] as const,
      )
    }),
  )
  return new Map(all.filter(([, packets]) => packets > 0))
}

const isRunnable = (graph: Sketch): boolean => {
  const model = new Model(graph)
  try {
    return model.interfaces().map((from) => model.send(from)).length > 0
  } catch (error) {
    if (error instanceof TooFar) return false
    throw error
  }
}

const SHAPE = 60
const choice = fc.nat(255)
const some = (count: number) => fc.array(fc.tuple(fc.nat(count - 1), choice), { minLength: 1, maxLength: 3 })

/** A graph, and what becomes of it when a few of the choices are others: of its shape, or of numbers only. */
const changing = fc
  .tuple(
    fc.array(choice, { minLength: SHAPE, maxLength: SHAPE }),
    fc.array(choice, { minLength: MOST_INSTANCES, maxLength: MOST_INSTANCES }),
    fc.array(fc.oneof(fc.record({ shape: some(SHAPE) }), fc.record({ numbers: some(MOST_INSTANCES) })), {
      minLength: 1,
      maxLength: 3,
    }),
  )
  .map(([shape, numbers, changes]) => {
    const all: Choices[] = [{ shape, numbers }]
    let last: Choices = { shape, numbers }
    for (const change of changes) {
      const next = { shape: [...last.shape], numbers: [...last.numbers] }
      if ('shape' in change) for (const [at, one] of change.shape) next.shape[at] = one
      else for (const [at, one] of change.numbers) next.numbers[at] = one
      all.push(next)
      last = next
    }
    return all.map(sketch)
  })
  .filter((graphs) => graphs.every(isRunnable))

const shapeOf = (graph: Sketch): string => JSON.stringify(graph.map(({ kind, ports }) => [kind, ports]))

graphsOnEveryMachine('generated graphs', (open, machine) => {
  test('do what a naive model says, and change between two packets', async () => {
    const numRuns = Number(process.env.TESSERA_GRAPHS ?? (machine === 'vm' ? 60 : 20))
    await fc.assert(
      fc.asyncProperty(changing, async ([first = [], ...changes]) => {
        using lab = await open(fileOf(first))
        const model = new Model(first)
        for (const from of model.interfaces()) expect(sent(lab, from)).toEqual(model.send(from))
        expect(counted(lab, first)).toEqual(model.counts)
        let [before, shape] = [model, shapeOf(first)]
        for (const graph of changes) {
          const after = new Model(graph)
          // In the kernel, a lab waits for what ports have sent to interfaces: it has to know which ones do.
          const isWatched = machine === 'vm' || shape === shapeOf(graph)
          const both = before.interfaces().filter((name) => after.interfaces().includes(name))
          let turn = 0
          const meanwhile = (): void => {
            const from = both[turn++ % both.length]
            if (from !== undefined) expect([before.send(from), after.send(from)]).toContainEqual(sent(lab, from))
          }
          await lab.apply(fileOf(graph), isWatched ? meanwhile : undefined)
          for (const from of after.interfaces()) expect(sent(lab, from)).toEqual(after.send(from))
          before = after
          shape = shapeOf(graph)
        }
      }),
      { numRuns, seed: 1, endOnFailure: true },
    )
  })
})
