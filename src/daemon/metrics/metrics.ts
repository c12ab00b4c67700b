/** Figures for Prometheus, in its text format, version 0.0.4. Names and units as its naming practices say. */
import { readdirSync, readFileSync } from 'node:fs'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Count } from '../../engine/control/tables.ts'
import type { Measure } from '../../engine/plan/parts.ts'
import type { ControlStatus } from '../control-planes.ts'
import type { Host } from '../host.ts'
import { Figures } from './figures.ts'

/**
 * Ports and tables with series of their own. A series has the names of a graph, an instance, and a port or a table of it, and at most
 * the name of a reason that the cube declares and that has happened: what nobody has configured adds none.
 */
const MOST_PORTS = 20_000
const MOST_TABLES = 10_000

/** Seconds. */
const BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30]

export interface MetricsParts {
  readonly host: Pick<Host, 'engine' | 'machine' | 'catalogue'>
  /** The control planes that run. */
  readonly planes?: () => readonly ControlStatus[]
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number
}

export class Metrics {
  readonly contentType: string
  private readonly registry = new Registry()
  private readonly parts: MetricsParts
  private readonly now: () => number
  private readonly figures: Figures
  private asked: Promise<string> | undefined
  private readonly made: { readonly name: string; readonly labels: readonly string[] }[] = []

  private readonly packets = this.counter(
    'port_packets_total',
    'Packets at a port',
    'graph',
    'instance',
    'port',
    'direction',
  )
  private readonly bytes = this.counter(
    'port_bytes_total',
    'Bytes of packets at a port',
    'graph',
    'instance',
    'port',
    'direction',
  )
  private readonly drops = this.counter('port_drops_total', 'Packets dropped', 'graph', 'instance', 'port', 'reason')
  private readonly dropped = this.counter(
    'port_dropped_bytes_total',
    'Bytes of packets dropped',
    'graph',
    'instance',
    'port',
    'reason',
  )
  private readonly punts = this.counter(
    'port_punts_total',
    'Packets left to the control plane',
    'graph',
    'instance',
    'port',
    'reason',
  )
  private readonly overflows = this.counter(
    'port_punt_overflows_total',
    'Packets for the control plane whose queue was full',
    'graph',
    'instance',
    'port',
  )
  private readonly losses = this.counter(
    'port_ring_losses_total',
    'Events for which a ring had no room',
    'graph',
    'instance',
    'port',
    'ring',
  )
  private readonly entries = this.gauge(
    'table_entries',
    'Entries of a table, counted from time to time',
    'graph',
    'instance',
    'table',
  )
  private readonly capacity = this.gauge(
    'table_capacity_entries',
    'Entries that a table has room for',
    'graph',
    'instance',
    'table',
  )
  private readonly graphs = this.gauge('graphs', 'Graphs on this host')
  private readonly instances = this.gauge('instances', 'Instances in all graphs')
  private readonly omitted = this.gauge(
    'omitted',
    'Ports and tables that have no series here, because there are too many',
  )
  private readonly planesUp = this.gauge('control_plane_up', 'Whether a control plane runs', 'graph', 'instance')
  private readonly planesAnew = this.counter(
    'control_plane_restarts_total',
    'How often a control plane was started anew',
    'graph',
    'instance',
  )
  private readonly steps = {
    compile: this.histogram('compile_seconds', 'How long a graph took to compile'),
    apply: this.histogram('apply_seconds', 'How long a graph took to load and to switch to'),
  }
  private readonly failures = this.counter('change_failures_total', 'Steps of changes that failed', 'step')
  private readonly requests = this.histogram('http_request_seconds', 'Requests, by route', 'route', 'status')
  private readonly processFigures = [
    this.process('cpu_seconds_total', 'CPU time of the daemon', 'counter', () => cpuSeconds()),
    this.process('resident_memory_bytes', 'Memory of the daemon', 'gauge', () => process.memoryUsage.rss()),
    this.process('open_fds', 'File descriptors of the daemon', 'gauge', () => openFiles()),
    this.process('start_time_seconds', 'When the daemon began, since 1970', 'gauge', () => startTime()),
  ] as const

  constructor(parts: MetricsParts) {
    this.parts = parts
    this.now = parts.now ?? (() => performance.now())
    this.figures = new Figures(parts.host, this.now)
    this.contentType = this.registry.contentType
  }

  /** For the engine: see {@link Measure}. */
  readonly measure: Measure = (step, run) => {
    const begun = this.now()
    try {
      return run()
    } catch (error) {
      this.failures.inc({ step })
      throw error
    } finally {
      this.steps[step].observe((this.now() - begun) / 1000)
    }
  }

  /** A request has been answered. `route` is one of the table of routes, and nothing that somebody sent. */
  answered(route: string, status: number, seconds: number): void {
    this.requests.observe({ route, status: `${Math.floor(status / 100)}xx` }, seconds)
  }

  /** The names of all, and of what tells the series of each apart. */
  labels(): readonly { readonly name: string; readonly labels: readonly string[] }[] {
    return [...this.made]
  }

  /** Those who ask at the same time are given the same. */
  text(): Promise<string> {
    this.asked ??= this.read().finally(() => {
      this.asked = undefined
    })
    return this.asked
  }

  private async read(): Promise<string> {
    const collected = [this.packets, this.bytes, this.drops, this.dropped, this.punts, this.overflows, this.losses]
    for (const one of [...collected, this.entries, this.capacity, this.planesUp, this.planesAnew]) one.reset()
    for (const one of this.processFigures) one()
    let [ports, tables, instances, omitted] = [0, 0, 0, 0]
    for await (const { graph, instance, ...found } of this.figures.read()) {
      instances++
      const of = { graph, instance }
      for (const { name: port, received, sent, drops, punts, lost } of found.ports) {
        if (++ports > MOST_PORTS) {
          omitted++
          continue
        }
        const at = { ...of, port }
        this.add(this.packets, this.bytes, { ...at, direction: 'received' }, received)
        this.add(this.packets, this.bytes, { ...at, direction: 'sent' }, sent)
        for (const [reason, count] of Object.entries(drops))
          this.add(this.drops, this.dropped, { ...at, reason }, count)
        for (const [reason, { packets }] of Object.entries(punts)) this.punts.inc({ ...at, reason }, Number(packets))
        for (const [ring, { packets }] of Object.entries(lost)) this.losses.inc({ ...at, ring }, Number(packets))
        if (drops.queue_full !== undefined) this.overflows.inc(at, Number(drops.queue_full.packets))
      }
      for (const { name: table, entries, capacity } of found.tables) {
        if (++tables > MOST_TABLES) {
          omitted++
          continue
        }
        this.entries.set({ ...of, table }, entries)
        this.capacity.set({ ...of, table }, capacity)
      }
    }
    this.graphs.set(this.parts.host.engine.names().length)
    this.instances.set(instances)
    this.omitted.set(omitted)
    for (const { graph, instance, state, restarts } of this.parts.planes?.() ?? []) {
      this.planesUp.set({ graph, instance }, state === 'running' ? 1 : 0)
      this.planesAnew.inc({ graph, instance }, restarts)
    }
    return this.registry.metrics()
  }

  private add<L extends string>(
    packets: Counter<L>,
    bytes: Counter<L>,
    labels: Readonly<Record<L, string>>,
    count: Count,
  ): void {
    packets.inc(labels, Number(count.packets))
    bytes.inc(labels, Number(count.bytes))
  }

  private counter<L extends string>(name: string, help: string, ...labelNames: readonly L[]): Counter<L> {
    return new Counter(this.options(name, help, labelNames))
  }

  private gauge<L extends string>(name: string, help: string, ...labelNames: readonly L[]): Gauge<L> {
    return new Gauge(this.options(name, help, labelNames))
  }

  private histogram<L extends string>(name: string, help: string, ...labelNames: readonly L[]): Histogram<L> {
    return new Histogram({ ...this.options(name, help, labelNames), buckets: BUCKETS })
  }

  private options<L extends string>(given: string, help: string, labels: readonly L[]) {
    const name = `tessera_${given}`
    this.made.push({ name, labels })
    return { name, help, labelNames: [...labels], registers: [this.registry] }
  }

  /** Under the names that every process has them by. */
  private process(name: string, help: string, kind: 'counter' | 'gauge', read: () => number): () => void {
    const options = { name: `process_${name}`, help, registers: [this.registry] }
    if (kind === 'gauge') {
      const gauge = new Gauge(options)
      return () => gauge.set(read())
    }
    const counter = new Counter(options)
    return () => {
      counter.reset()
      counter.inc(read())
    }
  }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

const openFiles = (): number => readdirSync('/proc/self/fd').length

/** proc(5): `btime` of /proc/stat, and ticks since then, of which there are 100 in a second (USER_HZ). */
function startTime(): number {
  const boot = /^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  return Number(boot) + Number(ticks) / 100
}
