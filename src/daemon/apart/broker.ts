/**
 * Looks after the process of a control plane that is not Tessera's own, from a thread that has what the kit has: it opens the maps of
 * that one instance, and no others, whatever it is asked for.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import type { Machine, MachineMap } from '../../backend/machine.ts'
import { refusal } from '../../base/diagnostic.ts'
import { Held } from '../../base/held.ts'
import { MAP } from '../../compiler/wiring.ts'
import type { Injected } from '../../engine/control/control-plane.ts'
import { mapPath } from '../../engine/graph/paths.ts'
import type { MapDescription } from '../../isa/program.ts'
import { missingCapabilities } from '../../kernel/capabilities.ts'
import { Sparing } from '../access/sparing.ts'
import type { LineLevel } from '../control-planes.ts'
import type { Orders } from '../control-thread.ts'
import { asNobody, NOBODYS_RIGHTS, NODE, wayTo } from '../cubes/nobody.ts'
import { bundled } from './bundle.ts'
import { type Answer, CALLS, type Call, Frames, framed, LONGEST, MAP_METHODS, NEWS, type News } from './channel.ts'

interface Line {
  readonly do: 'log'
  readonly line: string
  readonly level: LineLevel
}

export interface BrokerParts {
  readonly machine: Pick<Machine, 'openMap'>
  readonly orders: Orders
  readonly inject: (packets: readonly Injected[]) => void
  /** Something that the process says, or about it. */
  readonly tell: (report: Extract<Call, { do: 'running' | 'alive' | 'failed' }> | Line) => void
  /** It has begun, under this number. */
  readonly began: (pid: number) => void
}

/** Characters of a line that it may log, and packets and bytes that it may send at once. */
const LONGEST_LINE = 2_000
const MOST_PACKETS = 4_096
const LONGEST_PACKET = 65_535

/** Lines that are told, in so many milliseconds. */
const LINES = { most: 100, window: 10_000, now: () => performance.now() } as const

export class Broker implements Disposable {
  private readonly parts: BrokerParts
  private readonly held = new Held()
  /** Each once, however often it is asked for: it has descriptors. */
  private readonly maps: { readonly path: string; readonly map: MachineMap; watch: Disposable | undefined }[] = []
  private readonly lines = new Sparing(LINES)
  private child: ChildProcess | undefined
  private inSources = (text: string): string => text
  private isRunning = false
  private isAsked = false
  private isOver = false

  constructor(parts: BrokerParts) {
    this.parts = parts
  }

  /** Compiles the control plane and begins its process. An Error where that cannot be. */
  async begin(): Promise<void> {
    const { orders, began } = this.parts
    const { code, inSources } = await bundled(orders.folder)
    this.inSources = inSources
    const [command = '', ...words] = [...withoutRights(), NODE, ...NODE_OPTIONS]
    const stdio = ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'] as const
    const child = spawn(command, words, { cwd: '/', env: {}, stdio: [...stdio] })
    this.child = child
    if (child.pid !== undefined) began(child.pid)
    child.once('error', (error) => this.failed(String(error)))
    child.once('exit', (status, signal) => this.failed(`it ended by itself (${signal ?? status})`))
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.log(text.trimEnd()))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.log(text.trimEnd(), 'warn'))
    const calls = this.pipe(CALLS)
    const frames = new Frames()
    // Who asks and does not read the answers is not heard until it does.
    const answerAll = () => {
      while (!calls.writableNeedDrain) {
        const call = frames.next()
        if (call === undefined) return
        calls.write(framed(this.answer(call.value)))
      }
      calls.pause()
    }
    const orFail = (work: () => void) => {
      try {
        work()
      } catch (error) {
        this.failed(`it said what nobody understands: ${error instanceof Error ? error.message : error}`)
      }
    }
    calls.on('data', (piece: Uint8Array) => {
      frames.add(piece)
      orFail(answerAll)
    })
    calls.on('drain', () => {
      calls.resume()
      orFail(answerAll)
    })
    child.stdin?.on('error', () => {}).end(code)
    const { folder: _, gate: __, slots: ___, apart: ____, ...rest } = orders
    this.say({ is: 'orders', orders: rest })
  }

  /** Asks whether it is still there. */
  ask(): void {
    this.isAsked = true
    this.say({ is: 'alive?' })
  }

  [Symbol.dispose](): void {
    this.isOver = true
    this.child?.kill('SIGKILL')
    for (const { watch } of this.maps) watch?.[Symbol.dispose]()
    this.held[Symbol.dispose]()
  }

  private say(news: News): void {
    this.pipe(NEWS).write(framed(news))
  }

  private pipe(fd: number): Duplex {
    const pipe = this.child?.stdio[fd] as Duplex | null | undefined
    if (!pipe) throw new Error('its process has no pipes')
    // It may end at any time, and that it has is said elsewhere.
    if (pipe.listenerCount('error') === 0) pipe.on('error', () => {})
    return pipe
  }

  private failed(why: string): void {
    if (this.isOver) return
    this.isOver = true
    this.parts.tell({ do: 'failed', why: this.inSources(why) })
  }

  private log(line: string, level: LineLevel = 'info'): void {
    const told = this.lines.next('')
    if (told === undefined) return
    const untold = `${told.untold} lines more, of which nobody was told`
    if (told.untold > 0) this.parts.tell({ do: 'log', line: untold, level: 'warn' })
    this.parts.tell({ do: 'log', line: this.inSources(line.slice(0, LONGEST_LINE)), level })
  }

  private answer(call: unknown): Answer {
    try {
      return { value: this.carryOut(call as Call) }
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) }
    }
  }

  private carryOut(call: Call): unknown {
    switch (call.do) {
      case 'open':
        return this.open(call)
      case 'map':
        return this.use(call)
      case 'await':
        return this.await(call.map)
      case 'inject':
        return this.inject(call.packets)
      case 'log':
        return this.log(String(call.line))
      case 'failed':
        return this.failed(String(call.why).slice(0, LONGEST_LINE))
      case 'running':
        if (!this.isRunning) this.parts.tell(call)
        this.isRunning = true
        return
      case 'alive':
        if (this.isAsked) this.parts.tell(call)
        this.isAsked = false
        return
      default:
        throw new RangeError('there is no such thing to do')
    }
  }

  /** Its own tables, and its queue. What counts, and where programs are, is nobody's. */
  private open({ path, description }: Extract<Call, { do: 'open' }>): { map: number; valueSize: number } | undefined {
    const { graph, instance } = this.parts.orders
    const name = String(path).split('/').at(-1) ?? ''
    const isOwn = path === mapPath(graph, instance, name) && /^[a-zA-Z][a-zA-Z0-9_]*$/.test(name)
    const isTessera = Object.values<string>(MAP).includes(name) && name !== MAP.punts
    if (!isOwn || isTessera) throw new RangeError(`${path} is not a table of this instance`)
    if (!isDescription(description)) throw new RangeError(`this describes no table`)
    const known = this.maps.findIndex((one) => one.path === path)
    const found = this.maps[known]
    if (found !== undefined) return { map: known, valueSize: found.map.valueSize }
    const map = this.parts.machine.openMap(path, description)
    if (map === undefined) return undefined
    this.held.use(map)
    return { map: this.maps.push({ path, map, watch: undefined }) - 1, valueSize: map.valueSize }
  }

  private use({ map: number, method, words }: Extract<Call, { do: 'map' }>): unknown {
    const opened = this.maps[number]
    if (opened === undefined || !MAP_METHODS.includes(method)) throw new RangeError('there is no such table')
    const { map } = opened
    if (method !== 'drain') return (map[method] as (...words: readonly unknown[]) => unknown).call(map, ...words)
    const records: Uint8Array[] = []
    const most = Math.min(Number(words[0]) || 0, MOST_PACKETS)
    map.drain(most, (bytes, _, at, length) => void records.push(bytes.slice(at, at + length)))
    return records
  }

  private await(number: number): void {
    const opened = this.maps[number]
    if (opened === undefined) throw new RangeError('there is no such table')
    opened.watch ??= opened.map.watch(() => {
      // Once: until it has looked, there is something all the time.
      opened.watch?.[Symbol.dispose]()
      opened.watch = undefined
      this.say({ is: 'ready', map: number })
    })
  }

  private inject(packets: readonly Injected[]): void {
    const { ports } = this.parts.orders
    const known = new Set(Object.values(ports))
    const isPacket = ({ port, direction, packet }: Injected) =>
      known.has(port) &&
      (direction === 'ingress' || direction === 'egress') &&
      packet instanceof Uint8Array &&
      packet.length <= LONGEST_PACKET
    if (!Array.isArray(packets) || packets.length > MOST_PACKETS || !packets.every(isPacket))
      throw new RangeError('these are no packets for its ports')
    this.parts.inject(packets)
  }
}

/** Of what a table of the kernel can be like, the sizes: that it is this one, the kernel is asked. */
const isDescription = ({ key, value, inner }: MapDescription): boolean =>
  [key, value].every(({ size }) => Number.isInteger(size) && size >= 0 && size <= LONGEST) &&
  (inner === undefined || isDescription(inner))

/** It reads nothing, not even its own program: that comes by a pipe. No files, no processes, no threads, no native code. */
const NODE_OPTIONS = [
  '--experimental-permission',
  '--no-warnings',
  '--max-old-space-size=256',
  '--input-type=module',
  '-',
]

/** Bytes of memory that it may write, buffers too, of which --max-old-space-size knows nothing. */
const MOST_DATA = 1 << 30

/**
 * Of util-linux: nobody's rights, an end with this thread, and, with CAP_SYS_ADMIN, a network with nothing in it. Nothing where this
 * process is somebody with few rights itself. A Refusal where a tool for it is not there.
 */
export function withoutRights(isThere: (tool: string) => boolean = existsSync): readonly string[] {
  if (asNobody().uid === undefined) return []
  const missing = ['setpriv', 'unshare', 'prlimit'].filter((tool) => !isThere(`/usr/bin/${tool}`))
  if (missing.length > 0)
    throw refusal(
      `control planes of others are run as nobody, for which there is no ${missing.map((tool) => `/usr/bin/${tool}`).join(', ')}`,
      'install util-linux',
    )
  const network = missingCapabilities(['CAP_SYS_ADMIN']).length === 0 ? ['/usr/bin/unshare', '--net'] : []
  return [
    ...network,
    ...wayTo([NODE]),
    '/usr/bin/prlimit',
    `--data=${MOST_DATA}`,
    ...NOBODYS_RIGHTS,
    '--pdeathsig=KILL',
  ]
}
