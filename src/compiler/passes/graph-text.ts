/** Small functions, written as `printGraph` prints them, for tests of what comes after lowering. */
import { TC_ACT } from '../../isa/opcodes.ts'
import { printInstruction } from '../../isa/print.ts'
import { allocate } from '../emit/allocate.ts'
import { emit } from '../emit/emit.ts'
import { select } from '../emit/select.ts'
import { tidy } from '../emit/tidy.ts'
import {
  type Block,
  type Comparison,
  type Graph,
  type Operation,
  printGraph,
  reversePostorder,
  successors,
  type Terminator,
  type Value,
} from '../ir.ts'
import { newBranch, newConstant, newJump, newReturn, newValue } from '../value.ts'
import { combineTests } from './bit-tests.ts'
import { simplifyBranches, splitCriticalEdges } from './branches.ts'
import { deadCode } from './dead.ts'

const at = { source: { file: 'case', text: '' }, span: { start: 0, end: 0 } }

/** `op detail … (argument, …)` */
function operationOf(op: string, [first, second]: readonly string[]): Operation {
  switch (op) {
    case 'alu':
      return { op, alu: first as 'add', bits: Number(second) as 32 }
    case 'start':
      return { op: 'load', size: 4, offset: Number(second), from: 'context', start: true }
    case 'load':
      return { op, size: Number(first) as 4, offset: Number(second), from: 'packet' }
    case 'changing':
      return { op: 'load', size: Number(first) as 4, offset: Number(second), from: 'shared' }
    case 'put':
      return { op: 'store', size: Number(first) as 4, offset: Number(second), to: 'packet' }
    case 'fold':
      return { op, bits: Number(first) as 16 }
    case 'stack':
      return { op, object: { size: Number(first), align: 8, what: 'a key', at } }
    case 'store':
      return { op, size: Number(first) as 4, offset: Number(second) }
    case 'cleared':
      return { op, size: Number(first), offset: Number(second) }
    case 'swap':
      return { op, bits: Number(first) as 16 }
    case 'invoke':
      return { op, callee: first ?? '', pure: false }
    case 'map':
      return { op, name: first ?? '' }
    case 'call':
      return { op, helper: first as 'redirect' }
    default:
      return { op } as { op: 'context' }
  }
}

/** Reads what printGraph prints. */
export function graphOf(text: string): Graph {
  const blocks = new Map<string, Block>()
  const values = new Map<string, Value>()
  const waiting: (() => void)[] = []
  const rare = new Set(Array.from(text.matchAll(/(b\d+) rare:/g), ([, name = '']) => name))
  const blockOf = (name: string): Block => {
    const [id, isRare] = [Number(name.slice(1)), rare.has(name)]
    const known = blocks.get(name) ?? {
      id,
      rounds: 1,
      rare: isRare,
      place: 0,
      values: [],
      end: undefined,
      predecessors: [],
    }
    blocks.set(name, known)
    return known
  }
  const operand = (name: string): Value => values.get(name) ?? newConstant(BigInt(name), at)
  const endOf = (line: string): Terminator => {
    const [word, a = '', comparison = '', b = '', , to = '', , otherwise = ''] = line.split(' ')
    if (word === 'jump') return newJump(blockOf(a), at)
    if (word === 'return') return newReturn(operand(a), at)
    const [, name = '', bits] = /^(\D+)(\d+)$/.exec(comparison) ?? []
    const sides = { left: operand(a), right: operand(b), whenTrue: blockOf(to), whenFalse: blockOf(otherwise) }
    return newBranch({ comparison: name as Comparison, bits: Number(bits) as 32, ...sides, at })
  }
  let block = blockOf('b0')
  for (const line of text.split('\n').map((one) => one.trim())) {
    const [, name, op = '', details = '', given = ''] = /^(v\d+) = (\w+) ?(.*?)\((.*)\)$/.exec(line) ?? []
    const [, start] = /^(b\d+)( rare)?:$/.exec(line) ?? []
    if (start !== undefined) block = blockOf(start)
    else if (name !== undefined) {
      const value = newValue(operationOf(op, details.split(' ')), Number(name.slice(1)), [], at)
      values.set(name, value)
      block.values.push(value)
      waiting.push(() => {
        value.arguments = given === '' ? [] : given.split(', ').map(operand)
      })
    } else if (line !== '') {
      const home = block
      waiting.push(() => {
        home.end = endOf(line)
        for (const next of successors(home)) next.predecessors.push(home)
      })
    }
  }
  for (const work of waiting) work()
  return { entry: blockOf('b0'), blocks: reversePostorder(blockOf('b0')) }
}

/** What a pass makes of a function. */
export const changedBy = (pass: (graph: Graph) => unknown, text: string): string => {
  const graph = graphOf(text)
  pass(graph)
  return `\n${printGraph(graph)}\n`
}

/** Until there is nothing to find any more, as optimise does. */
export const tested = (graph: Graph): void => {
  while ([combineTests, simplifyBranches, deadCode].map((pass) => pass(graph)).some((one) => one));
}

/** The instructions of a program for TC. */
export const listing = (text: string, pass: (graph: Graph) => unknown = () => undefined): string => {
  const graph = graphOf(text)
  splitCriticalEdges(graph)
  pass(graph)
  const code = select(graph, TC_ACT.shot)
  allocate(code)
  tidy(code)
  const { instructions } = emit([code], { name: 'case', hook: 'tc', maps: {} })
  return `\n${instructions.map((one) => printInstruction(one)).join('\n')}\n`
}
