/**
 * Which functions are called, and which are compiled into where they are called. A call costs two nanoseconds, and twenty where
 * the CPU's returns are guarded against speculation. A body in many places costs room; and with every choice in it, the
 * verifier's work may double in each of them, while it looks at a called function once.
 */
import { Refusal } from '../base/diagnostic.ts'
import { identifier } from '../isa/btf.ts'
import type { Hook } from '../isa/program.ts'
import { placeOf } from './emit/emit.ts'
import { addParts, type Node } from './parts.ts'
import { piecesOf } from './pieces.ts'
import type { Position, TypedFunction, ValueType } from './typed.ts'
import { countWays } from './ways.ts'

/** A function that is called. */
export interface Called {
  /** Of its own in the program. */
  readonly name: string
  /** What is passed before its parameters: the hook's context, and the time. */
  readonly context: boolean
  readonly time: boolean
}

/** The others are compiled in. */
export type Calls = ReadonlyMap<TypedFunction, Called>

/** What copies of a body may add to a program, in nodes of the typed tree: each is about an instruction. */
const MOST_GROWTH = 1000
/** What the rounds of a body may have the verifier follow, if it has to follow every way through it each time. */
const MOST_WAYS = 10_000
/** It comes to an end with less: what runs in a long loop may have a choice or two. */
const LEAST_WAYS = 16
/** What it may have to walk, in nodes; it gives up at twice as many. */
const MOST_WORK = 400_000
/** What is smaller saves no room: passing arguments takes as much. */
const LEAST_SIZE = 16
/** Functions that call others twice grow without bound otherwise. */
const MOST_COPIES = 2000
/** MAX_CALL_FRAMES (include/linux/bpf_verifier.h) is 8, and the program itself is one. */
const MOST_FRAMES = 7
/** r1 to r5. */
const MOST_ARGUMENTS = 5

/** Nothing is called. A Refusal where functions are too many to be compiled in. `main` is the data plane. */
export function planNoCalls(main: TypedFunction, hook: Hook): Calls {
  refuseTooMany(surveyAll(main, hook), new Map())
  return new Map()
}

/** The functions to be called. A Refusal where the others are too many to be compiled in. */
export function planCalls(main: TypedFunction, hook: Hook, names = new Names()): Calls {
  const bodies = surveyAll(main, hook)
  // The first is the data plane itself, which nobody calls.
  const callersFirst = [...bodies.keys()].slice(1)
  const called = new Map<TypedFunction, Called>()
  const wholes = new Map<TypedFunction, Whole>()
  const held = heldIn(bodies)
  const counts = countAll(bodies, called)
  for (const one of callersFirst.toReversed()) {
    const whole = wholeOf(one, bodies, called, wholes)
    wholes.set(one, whole)
    if (held.has(one) || !isMuch(whole, counts.get(one)) || !canBeCalled(one, whole)) continue
    called.set(one, { name: names.unused(one.name), context: whole.context, time: whole.time })
  }
  // Where what called it often is called itself, a single call may be left.
  const left = countAll(bodies, called)
  for (const one of called.keys())
    if ((left.get(one)?.copies ?? 0) < 2 && !isMuch(wholes.get(one), left.get(one))) called.delete(one)
  refuseTooMany(bodies, called)
  return called
}

/** Where a function is called, and how often each of these calls runs by the loops around it, all together. */
interface Sites {
  readonly places: Position[]
  runs: number
}

/** What stands in a function itself, and where it calls others. */
interface Body {
  readonly size: number
  /** The same, each part as often as the loops around it run it. */
  readonly work: number
  readonly sites: ReadonlyMap<TypedFunction, Sites>
  readonly context: boolean
  readonly time: boolean
  /** Something in it belongs to the data plane alone. */
  readonly bound: boolean
  /** What it has run under a lock. */
  readonly locked: readonly TypedFunction[]
}

/** The same with what is compiled into it. */
interface Whole extends Omit<Body, 'sites' | 'locked'> {
  /** The most frames there can be while it runs, its own included. */
  readonly frames: number
  /** Through it. */
  readonly ways: number
}

/** What a called function may contain: no verdicts, and nothing that changes the packet. */
const CALLABLE: ReadonlySet<Node['op']> = new Set([
  ...(['constant', 'wired', 'variable', 'field', 'element', 'byte', 'length', 'vlan', 'now', 'read'] as const),
  ...(['get', 'set', 'add', 'replace', 'delete', 'push', 'pop', 'peek', 'emit', 'has', 'cell', 'atomic'] as const),
  ...([
    'arithmetic',
    'compare',
    'isNull',
    'not',
    'complement',
    'negate',
    'convert',
    'address',
    'octets',
    'mask',
  ] as const),
  ...(['and', 'or', 'conditional', 'bound', 'null', 'call', 'assign', 'store', 'evaluate'] as const),
  ...(['if', 'loop', 'while', 'rounds', 'breakable', 'return', 'break', 'continue'] as const),
])
const CONTEXT: ReadonlySet<Node['op']> = new Set(['length', 'vlan', 'read'])
const FREE: ReadonlySet<Node['op']> = new Set([
  ...(['constant', 'wired', 'variable', 'bound', 'evaluate', 'return', 'breakable', 'rounds', 'call'] as const),
])
const HELPER: ReadonlySet<Node['op']> = new Set([
  ...(['get', 'set', 'add', 'replace', 'delete', 'push', 'pop', 'peek', 'emit', 'has'] as const),
])

/** About how many instructions a node becomes, without its parts. A helper wants its map, its arguments and a test. */
const sizeOf = ({ op }: Node): number => (FREE.has(op) ? 0 : HELPER.has(op) ? 6 : op === 'read' ? 4 : 1)

/** All functions, what calls before what is called. */
function surveyAll(main: TypedFunction, hook: Hook): Map<TypedFunction, Body> {
  const calleesFirst = new Map<TypedFunction, Body>()
  const visit = (one: TypedFunction): void => {
    if (calleesFirst.has(one)) return
    const body = survey(one, hook)
    for (const callee of body.sites.keys()) visit(callee)
    calleesFirst.set(one, body)
  }
  visit(main)
  return new Map([...calleesFirst].reverse())
}

function survey({ body }: TypedFunction, hook: Hook): Body {
  const sites = new Map<TypedFunction, Sites>()
  const locked: TypedFunction[] = []
  const seen = new Set<Node['op']>()
  const waiting = body.map((node): { node: Node; rounds: number } => ({ node, rounds: 1 }))
  let [size, work] = [0, 0]
  let bound = false
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, rounds } = next
    seen.add(node.op)
    size += sizeOf(node)
    work += rounds * sizeOf(node)
    if (node.op === 'withLock') locked.push(node.call.callee)
    if (node.op === 'call') {
      const known = sites.get(node.callee) ?? { places: [], runs: 0 }
      known.places.push(node.at)
      known.runs += rounds
      sites.set(node.callee, known)
    }
    if (node.op === 'store') bound ||= node.base.type.kind !== 'reference' || node.base.type.space !== 'table'
    const parts: Node[] = []
    addParts(node, parts)
    const inside = node.op === 'loop' || node.op === 'while' ? rounds * node.times : rounds
    for (const part of parts) waiting.push({ node: part, rounds: inside })
  }
  const ops = [...seen]
  return {
    size,
    work,
    sites,
    locked,
    context: ops.some((op) => CONTEXT.has(op)),
    time: seen.has('now'),
    // With XDP, the tag is a value of the data plane.
    bound: bound || ops.some((op) => !CALLABLE.has(op)) || (hook === 'xdp' && seen.has('vlan')),
  }
}

/** What runs under a lock, where the verifier allows no calls. */
function heldIn(bodies: ReadonlyMap<TypedFunction, Body>): ReadonlySet<TypedFunction> {
  const held = new Set([...bodies.values()].flatMap(({ locked }) => locked))
  // What is added while this runs is visited, too.
  for (const one of held) for (const callee of bodies.get(one)?.sites.keys() ?? []) held.add(callee)
  return held
}

interface Count {
  /** Where a function is called, one copy of its body counts; where it is compiled in, one for each. */
  readonly copies: number
  /** How often the verifier comes by it. */
  readonly runs: number
}

function countAll(bodies: ReadonlyMap<TypedFunction, Body>, called: Calls): ReadonlyMap<TypedFunction, Count> {
  const counts = new Map<TypedFunction, Count>()
  for (const [caller, { sites }] of bodies) {
    const around = (called.has(caller) ? undefined : counts.get(caller)) ?? { copies: 1, runs: 1 }
    for (const [callee, { places, runs }] of sites) {
      const known = counts.get(callee) ?? { copies: 0, runs: 0 }
      counts.set(callee, {
        copies: known.copies + around.copies * places.length,
        runs: known.runs + around.runs * runs,
      })
    }
  }
  return counts
}

/** Whether compiling it in is too much for the program, or for the verifier. */
function isMuch(whole: Whole | undefined, { copies, runs }: Count = { copies: 0, runs: 0 }): boolean {
  if (whole === undefined || runs < 2) return false
  if (whole.size >= LEAST_SIZE && (copies - 1) * whole.size > MOST_GROWTH) return true
  if (whole.ways >= LEAST_WAYS && runs * whole.ways > MOST_WAYS) return true
  return (runs - 1) * whole.work > MOST_WORK
}

function wholeOf(
  one: TypedFunction,
  bodies: ReadonlyMap<TypedFunction, Body>,
  called: Calls,
  wholes: ReadonlyMap<TypedFunction, Whole>,
): Whole {
  const { sites = new Map<TypedFunction, Sites>(), ...own } = bodies.get(one) ?? {}
  let whole: Whole = { size: 0, work: 0, context: false, time: false, bound: false, ...own, frames: 1, ways: 1 }
  for (const [callee, { places, runs }] of sites) {
    const inner = wholes.get(callee)
    if (inner === undefined) throw new Error(`${callee.name} comes after what calls it`)
    const isCalled = called.has(callee)
    const size = isCalled ? 2 + callee.parameters.length : inner.size
    whole = {
      ...whole,
      size: whole.size + places.length * size,
      work: whole.work + runs * (isCalled ? size : inner.work),
      context: whole.context || inner.context,
      time: whole.time || inner.time,
      bound: whole.bound || inner.bound,
      frames: Math.max(whole.frames, inner.frames + (isCalled ? 1 : 0)),
    }
  }
  const ways = countWays(one.body, (callee) => (called.has(callee) ? 1 : (wholes.get(callee)?.ways ?? 1)))
  return { ...whole, ways }
}

const PASSED: ReadonlySet<ValueType['kind']> = new Set(['int', 'bool', 'address'])

function canBeCalled({ parameters, result }: TypedFunction, { bound, context, time, frames }: Whole): boolean {
  if (
    bound ||
    frames > MOST_FRAMES ||
    result.kind === 'verdict' ||
    result.kind === 'reference' ||
    result.kind === 'record'
  )
    return false
  if (!parameters.every(({ type }) => PASSED.has(type.kind))) return false
  const pieces = parameters.reduce((sum, { type }) => sum + piecesOf(type).length, 0)
  const returned = result.kind === 'void' ? 0 : piecesOf(result).reduce((sum, size) => sum + size, 0)
  return pieces + Number(context) + Number(time) <= MOST_ARGUMENTS && returned <= 8
}

function refuseTooMany(bodies: ReadonlyMap<TypedFunction, Body>, called: Calls): void {
  const counts = [...countAll(bodies, called)].filter(([one]) => !called.has(one))
  if (counts.reduce((sum, [, { copies }]) => sum + copies, 0) <= MOST_COPIES) return
  const [worst] = counts.reduce((a, b) => (b[1].copies > a[1].copies ? b : a))
  const at = [...bodies.values()].flatMap(({ sites }) => sites.get(worst)?.places ?? [])[0]
  throw new Refusal([
    {
      message: `more than ${MOST_COPIES} calls would be compiled in`,
      place: at && placeOf(at),
      remedy: 'call fewer functions, or let them return values: those are called, not compiled in',
    },
  ])
}

/** Names for functions: those of a program differ. */
export class Names {
  private readonly used = new Set<string>()

  unused(name: string): string {
    const plain = identifier(name)
    let fresh = plain
    for (let number = 2; this.used.has(fresh); number++) fresh = `${plain}_${number}`
    this.used.add(fresh)
    return fresh
  }
}
