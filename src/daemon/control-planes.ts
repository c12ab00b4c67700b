/**
 * The control planes of graphs that run in this kernel, each in a thread of its own, so that one that throws or hangs holds up nobody:
 * it is started anew, each time after a longer wait. Packets need none of them.
 */
import { dirname, join, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Machine } from '../backend/machine.ts'
import { OpenGate } from '../engine/control/gate.ts'
import type { GatePlan, GraphControl } from '../engine/control/gate-plan.ts'
import type { ControlState } from '../engine/look/status.ts'
import { endChild } from '../kernel/children.ts'
import { clear, type Leftovers } from '../kernel/objects.ts'
import type { Orders, Report } from './control-thread.ts'

export interface ControlStatus extends ControlState {
  readonly graph: string
  readonly instance: string
  readonly state: Exclude<ControlState['state'], 'absent'>
}

/** What became of one that failed. */
export interface ControlHappened {
  readonly kind: 'control.failed' | 'control.restarted'
  readonly graph: string
  readonly instance: string
  /** In one line. */
  readonly text: string
}

/** What a control plane says, or what went wrong with it. */
export type LineLevel = 'info' | 'warn'

export interface ControlOptions {
  /** A line of a control plane, or about it. */
  readonly log?: (line: string, level: LineLevel) => void
  readonly tell?: (happened: ControlHappened) => void
  /** Threads are begun in it: they are in its network namespace. */
  readonly inside?: <T>(run: () => T) => T
  /** Whether the cube in a folder is not Tessera's own: its control plane has a process of its own, which has nothing but its kit. */
  readonly apart?: (folder: string) => boolean
  /** Milliseconds that one may be silent until it is taken to hang. */
  readonly patience?: number
  /** Milliseconds until one that failed is started anew: at first, and at most. It is doubled each time. */
  readonly wait?: { readonly first: number; readonly most: number }
}

const THREAD = new URL('../../bin/control.js', import.meta.url)
const ROOT = resolve(import.meta.dirname, '../..')
/** Where cubes are Tessera's own. What else lies in its folder, packages and stores for instance, is of others. */
const OWN = ['src', 'examples', 'test', 'bench', 'demo'].map((folder) => join(ROOT, folder, '/'))
const DEFAULTS = {
  log: () => {},
  tell: () => {},
  inside: <T>(run: () => T) => run(),
  apart: (folder: string) => !OWN.some((own) => folder.startsWith(own)),
  patience: 5_000,
  wait: { first: 100, most: 30_000 },
} as const satisfies ControlOptions

export class ControlPlanes implements Disposable {
  private readonly options: Required<ControlOptions>
  private readonly planes = new Map<string, Supervised>()
  private readonly gates = new Map<string, OpenGate>()
  private readonly asking: NodeJS.Timeout

  constructor(options: ControlOptions = {}) {
    this.options = { ...DEFAULTS, ...options }
    this.asking = setInterval(() => {
      for (const plane of this.planes.values()) plane.ask()
    }, this.options.patience / 2)
    this.asking.unref()
  }

  /** Makes those of a graph run that it has now: one whose configuration or ports are others is started anew. */
  update(machine: Machine, { graph, gate, planes }: GraphControl): void {
    if (planes.length > 0) this.updateGate(machine, graph, gate)
    else this.removeGate(machine, graph, gate.name)
    const wanted = new Set<string>()
    for (const { folder, ...plane } of planes) {
      const at = dirname(folder.dataplane)
      const orders = { ...plane, folder: at, version: folder.version, gate: gate.name, apart: this.options.apart(at) }
      const key = `${graph}/${plane.instance}`
      wanted.add(key)
      const before = this.planes.get(key)
      if (before?.isFor(orders) === true) continue
      before?.[Symbol.dispose]()
      this.planes.set(key, new Supervised(orders, this.options))
    }
    this.end(graph, (key) => !wanted.has(key))
  }

  /** Another program goes into each slot, unless there are more or less of them. */
  private updateGate(machine: Machine, graph: string, plan: GatePlan): void {
    if (this.gates.get(graph)?.fill(plan) === true) return
    this.closeGate(graph)
    this.gates.set(graph, new OpenGate(machine, plan))
  }

  /** Also that of a daemon which was killed. */
  private removeGate(machine: Machine, graph: string, name: string): void {
    this.closeGate(graph)
    machine.removeGate(name)
  }

  private closeGate(graph: string): void {
    this.gates.get(graph)?.[Symbol.dispose]()
    this.gates.delete(graph)
  }

  /** Ends those of a graph, and closes their way into it. */
  stop(graph: string): void {
    this.end(graph, () => true)
    this.closeGate(graph)
  }

  private end(graph: string, which: (key: string) => boolean): void {
    for (const [key, plane] of this.planes) {
      if (!key.startsWith(`${graph}/`) || !which(key)) continue
      this.planes.delete(key)
      plane[Symbol.dispose]()
    }
  }

  status(): ControlStatus[] {
    return [...this.planes.values()].map((plane) => plane.status)
  }

  [Symbol.dispose](): void {
    clearInterval(this.asking)
    for (const plane of this.planes.values()) plane[Symbol.dispose]()
    this.planes.clear()
    for (const gate of this.gates.values()) gate[Symbol.dispose]()
    this.gates.clear()
  }
}

/** How long one has to run well for its next failure to be a first one again: so many times what the last one cost. */
const FORGOTTEN = 10

/** Milliseconds that one may take until it runs: its modules are loaded first, on a machine that may be busy. */
const STARTING = 60_000

class Supervised implements Disposable {
  private readonly orders: Orders
  private readonly options: Required<ControlOptions>
  private worker: Worker | undefined
  private state: ControlStatus['state'] = 'starting'
  private restarts = 0
  private failure: string | undefined
  private wait: number
  /** The one that it is in. */
  private waits: number | undefined
  private startedAt = 0
  /** How long it had not answered when it was ended. */
  private silent = 0
  /** Since when a question is open: it was begun, or asked whether it is alive. */
  private askedAt: number | undefined
  private leftovers: Leftovers | undefined
  /** The process that it has, if it has one. */
  private process: number | undefined
  private timer: NodeJS.Timeout | undefined
  private ended = false

  constructor(orders: Orders, options: Required<ControlOptions>) {
    this.orders = orders
    this.options = options
    this.wait = options.wait.first
    this.begin()
  }

  get status(): ControlStatus {
    const { graph, instance } = this.orders
    const { state, restarts, failure } = this
    return { graph, instance, state, restarts, failure, ...(state === 'waiting' ? { wait: this.waits } : {}) }
  }

  isFor(orders: Orders): boolean {
    return JSON.stringify(orders) === JSON.stringify(this.orders)
  }

  /** Whether it is still there. One that has not answered for too long is ended. */
  ask(): void {
    const { worker, state } = this
    if (worker === undefined || state === 'waiting') return
    if (this.askedAt === undefined) {
      this.askedAt = performance.now()
      worker.postMessage('alive?')
      return
    }
    if (!this.isLate) return
    // Where this thread was busy, the answer may be there, and only not read: that is done before immediates have their turn.
    setImmediate(() => {
      if (this.worker !== worker || this.state !== state || !this.isLate) return
      this.silent = this.startedAt > 0 ? this.patience : 0
      this.failed(`it did not answer for ${this.patience} ms`)
      void worker.terminate()
    })
  }

  private get patience(): number {
    return this.state === 'running' ? this.options.patience : STARTING
  }

  private get isLate(): boolean {
    return this.askedAt !== undefined && performance.now() - this.askedAt > this.patience
  }

  [Symbol.dispose](): void {
    this.ended = true
    clearTimeout(this.timer)
    const { worker } = this
    if (worker === undefined) return
    worker.postMessage('end')
    const late = setTimeout(() => void worker.terminate(), this.options.patience)
    worker.once('exit', () => clearTimeout(late))
  }

  private begin(): void {
    this.state = 'starting'
    this.askedAt = performance.now()
    this.leftovers = undefined
    const worker = this.options.inside(() => new Worker(THREAD, { workerData: this.orders }))
    this.worker = worker
    worker.on('message', (report: Report) => this.hear(report))
    worker.on('error', (error) => this.failed(String(error)))
    worker.once('exit', (code) => {
      // One that ends by itself has closed what it had.
      if (code !== 0 && this.leftovers !== undefined) clear(this.leftovers)
      if (this.process !== undefined) endChild(this.process)
      this.process = undefined
      this.worker = undefined
      if (!this.ended) this.again()
    })
  }

  private hear(report: Report): void {
    switch (report.is) {
      case 'running':
        if (this.state !== 'starting') return
        this.state = 'running'
        this.askedAt = undefined
        this.startedAt = performance.now()
        this.leftovers = report.leftovers
        if (this.restarts > 0) this.tell('control.restarted', 'runs again')
        return
      case 'failed':
        // It closes what it has.
        this.leftovers = undefined
        return this.failed(report.why)
      case 'log':
        return this.options.log(`${this.name}: ${report.line}`, report.level)
      case 'began':
        this.process = report.process
        this.askedAt = performance.now()
        return
      case 'alive':
        this.askedAt = undefined
    }
  }

  private failed(why: string): void {
    this.state = 'waiting'
    this.failure = why
    this.options.log(`${this.name} failed: ${why}`, 'warn')
    this.tell('control.failed', `failed: ${why.split('\n', 1)[0]}`)
  }

  private tell(kind: ControlHappened['kind'], what: string): void {
    const { graph, instance } = this.orders
    this.options.tell({ kind, graph, instance, text: `${this.name} ${what}` })
  }

  private again(): void {
    const { wait } = this.options
    const cost = this.wait + this.silent
    if (this.startedAt > 0 && performance.now() - this.startedAt - this.silent > FORGOTTEN * cost)
      this.wait = wait.first
    this.startedAt = 0
    this.silent = 0
    this.state = 'waiting'
    this.timer = setTimeout(() => {
      this.restarts++
      this.begin()
    }, this.wait)
    this.waits = this.wait
    this.options.log(`${this.name} is started anew in ${this.wait} ms`, 'warn')
    this.wait = Math.min(2 * this.wait, wait.most)
  }

  private get name(): string {
    return `the control plane of ${this.orders.graph}/${this.orders.instance}`
  }
}
