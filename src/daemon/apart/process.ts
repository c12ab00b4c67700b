/**
 * What runs in the process of a control plane that is not Tessera's own. It has no files, no network, and no rights: all that it can
 * do is to ask, by a pair of pipes, for what the kit has.
 */
import { readSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { deserialize } from 'node:v8'
import type { Machine, MachineMap } from '../../backend/machine.ts'
import { viewOf } from '../../base/bytes.ts'
import type { ControlPlane } from '../../cube/control.ts'
import { OpenControlPlane } from '../../engine/control/control-plane.ts'
import type { MapDescription } from '../../isa/program.ts'
import { timers } from '../timers.ts'
import { type Answer, CALLS, type Call, Frames, framed, MAP_METHODS, NEWS, type News } from './channel.ts'

function ask(call: Call): unknown {
  const frame = framed(call)
  for (let at = 0; at < frame.length; ) at += writeSync(CALLS, frame, at)
  const length = viewOf(read(4)).getUint32(0, true)
  const answer = deserialize(read(length)) as Answer
  if ('error' in answer) throw new Error(answer.error)
  return answer.value
}

function read(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; ) {
    const count = readSync(CALLS, bytes, at, length - at, null)
    // Nobody looks after it any more.
    if (count === 0) process.exit(0)
    at += count
  }
  return bytes
}

/** By the numbers of maps. */
const listeners = new Map<number, () => void>()

function openMap(path: string, description: MapDescription): MachineMap | undefined {
  const opened = ask({ do: 'open', path, description }) as { map: number; valueSize: number } | undefined
  if (opened === undefined) return undefined
  const { map, valueSize } = opened
  const methods = MAP_METHODS.map((method) => [
    method,
    (...words: readonly unknown[]) => ask({ do: 'map', map, method, words }),
  ])
  return {
    ...Object.fromEntries(methods),
    description,
    valueSize,
    replaceAll: (entries: Iterable<unknown>) => ask({ do: 'map', map, method: 'replaceAll', words: [[...entries]] }),
    drain(most: number, visit: Parameters<MachineMap['drain']>[1]) {
      const records = ask({ do: 'map', map, method: 'drain', words: [most] }) as readonly Uint8Array[]
      for (const record of records) visit(record, viewOf(record), 0, record.length)
      return records.length
    },
    watch(ready: () => void) {
      const told = () => {
        ready()
        if (listeners.has(map)) ask({ do: 'await', map })
      }
      listeners.set(map, told)
      ask({ do: 'await', map })
      return { [Symbol.dispose]: () => void listeners.delete(map) }
    },
    [Symbol.dispose]() {},
  } as MachineMap
}

const machine: Pick<Machine, 'openMap' | 'now'> = { openMap, now: () => process.hrtime.bigint() }

function fail(error: unknown): never {
  ask({ do: 'failed', why: error instanceof Error ? String(error.stack) : String(error) })
  process.exit(1)
}

/** Until the process is ended. */
export function runApart(plane: ControlPlane): void {
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  const frames = new Frames()
  const news = new Socket({ fd: NEWS, readable: true, writable: false })
  news.on('data', (piece: Uint8Array) => {
    frames.add(piece)
    for (let one = frames.next(); one !== undefined; one = frames.next()) hear(plane, one.value as News)
  })
  news.once('close', () => process.exit(0))
}

function hear(plane: ControlPlane, news: News): void {
  if (news.is === 'alive?') return void ask({ do: 'alive' })
  if (news.is === 'ready') return listeners.get(news.map)?.()
  const open = new OpenControlPlane({
    ...news.orders,
    machine,
    plane,
    timers,
    inject: (packets) => void ask({ do: 'inject', packets }),
    log: (line) => void ask({ do: 'log', line: String(line) }),
    failed: fail,
  })
  ask({ do: 'running' })
  open.start()
  open.run()
}
