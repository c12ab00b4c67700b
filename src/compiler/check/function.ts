/** Calls of data-plane functions. A function is checked once for all calls that pass the same types and the same statics. */
import type { Module } from '../modules.ts'
import { type FunctionSyntax, narrow } from '../narrow/narrow.ts'
import type { FunctionTree } from '../narrow/tree.ts'
import { type Typed, type TypedFunction, type TypedStatement, type Variable, VERDICT } from '../typed.ts'
import { arity, type Call } from './call.ts'
import { body } from './check.ts'
import { functionWrote } from './owed.ts'
import { passed } from './parameter.ts'
import { collecting } from './report.ts'
import { Scope, Silent } from './scope.ts'
import { packetMoved, tableChanged, UNMOVED, useReference } from './stale.ts'
import { fieldTypes, typeOfAnnotation, typeOfKept } from './type.ts'

const DEEPEST = 16

export type TypedCall = Typed & { readonly op: 'call' }

/** The functions of one compilation. */
export class Functions {
  readonly trees = new Map<FunctionSyntax, FunctionTree>()
  /** Those with a mistake: calling them again says nothing new. */
  readonly broken = new Set<FunctionSyntax>()
  /** By name and what is passed. */
  readonly checked = new Map<string, CheckedFunction>()
  private readonly identities = new Map<unknown, number>()

  /** A number for each value that there is while compiling. */
  identity(value: unknown): number {
    const known = this.identities.get(value) ?? this.identities.size
    this.identities.set(value, known)
    return known
  }
}

interface CheckedFunction {
  readonly typed: TypedFunction
  /** How often it ran, and how many functions were around it: for more of either, its body is checked again. */
  readonly rounds: number
  readonly depth: number
}

/** `first`: the first argument, if it was checked before. */
export function functionCall(scope: Scope, node: Call, module: Module, name: string, first?: Typed): TypedCall {
  const { functions } = scope.compilation
  const id = `${module.path}:${name}`
  const depth = scope.callers.length
  if (scope.callers.includes(id))
    throw scope.unfit(node.span, `\`${name}\` calls itself`, 'write a for loop with a constant bound')
  if (depth >= DEEPEST)
    throw scope.unfit(node.span, `functions call each other more than ${DEEPEST} deep`, 'flatten them')
  const inner = new Scope(scope.compilation, module, name, [...scope.callers, id])
  inner.rounds = scope.rounds
  const tree = treeOf(inner)
  const most = tree.parameters.length
  const least = tree.parameters.findLastIndex(({ otherwise }) => otherwise === undefined) + 1
  arity(scope, node, least, most, `${name} takes ${least === most ? most : `${least} to ${most}`}`)
  const { before, parameters, given, key } = passed(scope, inner, node, tree, first)
  const identity = `${id}(${key.join()})`
  const known = functions.checked.get(identity)
  if (known !== undefined && known.rounds >= scope.rounds && known.depth >= depth)
    return called(scope, node, known.typed, given)

  const typed = checkBody(inner, tree, parameters, before)
  const checked: CheckedFunction = {
    typed: known?.typed ?? typed,
    rounds: Math.max(scope.rounds, known?.rounds ?? 0),
    depth: Math.max(depth, known?.depth ?? 0),
  }
  functions.checked.set(identity, checked)
  return called(scope, node, checked.typed, given)
}

function called(scope: Scope, node: Call, callee: TypedFunction, given: readonly Typed[]): TypedCall {
  // An argument may have made those before it stale.
  for (const one of given) useReference(scope, one, one.at.span)
  const { written, redirected } = scope.moved ?? UNMOVED
  if (callee.moves) {
    packetMoved(scope, `${callee.name}(…)`)
    // It may not have.
    if (scope.moved !== undefined) scope.moved = { ...scope.moved, written, redirected }
  }
  functionWrote(scope, callee, given)
  for (const table of callee.changes) tableChanged(scope, table, `${callee.name}(…)`)
  return { op: 'call', callee, arguments: given, type: callee.result, at: scope.at(node.span) }
}

/** The small tree of the function that a scope is for. */
function treeOf({ compilation, module, functionName }: Scope): FunctionTree {
  const { functions, diagnostics } = compilation
  const syntax = module.functions.get(functionName)
  if (syntax === undefined || functions.broken.has(syntax)) throw new Silent()
  const known = functions.trees.get(syntax)
  if (known !== undefined) return known
  const tree = collecting(diagnostics, () => narrow(module, functionName, syntax, diagnostics))
  if (tree === undefined) {
    functions.broken.add(syntax)
    throw new Silent()
  }
  functions.trees.set(syntax, tree)
  return tree
}

function checkBody(
  scope: Scope,
  tree: FunctionTree,
  parameters: readonly Variable[],
  first: readonly TypedStatement[],
): TypedFunction {
  const { diagnostics, functions } = scope.compilation
  const before = diagnostics.length
  scope.returns = tree.returns?.name === 'Verdict' ? VERDICT : typeOfAnnotation(scope, tree.returns)
  scope.returnedFields = fieldTypes(scope, tree.returns)
  const isDeclared = scope.returns !== undefined
  const statements = [...first, ...body(scope, tree)]
  // What is none of the language's types may name a header, an entry or a record.
  const isNamed = scope.returns?.kind === 'reference' || scope.returns?.kind === 'record'
  if (!isDeclared && !isNamed) typeOfKept(scope, tree.returns, { kind: 'void' })
  if (scope.returnsNull && scope.returns?.kind !== 'reference')
    throw scope.unfit(tree.span, `${tree.name} returns nothing but null`, 'return a header or an entry on some way')
  const syntax = scope.module.functions.get(scope.functionName)
  if (diagnostics.length > before) {
    if (syntax !== undefined) functions.broken.add(syntax)
    throw new Silent()
  }
  return {
    name: tree.name,
    parameters,
    moves: scope.movedAtReturn?.packet !== undefined,
    changes: [...(scope.movedAtReturn?.tables.keys() ?? [])],
    writes: [...(scope.movedAtReturn?.written.keys() ?? [])],
    redirects: [...(scope.movedAtReturn?.redirected.keys() ?? [])],
    body: statements,
    result: scope.returns ?? { kind: 'void' },
    at: scope.at(tree.span),
  }
}
