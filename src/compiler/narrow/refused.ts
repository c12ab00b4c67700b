/** The syntax that is refused as such, and what to write instead. */
import { type SourceText, unfit } from '../check/report.ts'
import type { Span } from './tree.ts'

const CLOSURE =
  'declare a function at the top of the module and call it; for map or some, write for (const x of xs) or xs.includes(x)'

/** What TypeScript has and a data plane has not, by the name of the syntax, with what to write instead. */
export const REFUSED: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  ArrowFunctionExpression: ['a closure', CLOSURE],
  FunctionExpression: ['a closure', CLOSURE],
  FunctionDeclaration: ['a function inside a function', 'declare it at the top of the module and call it'],
  AwaitExpression: ['await', 'a packet is handled at once; leave what must wait to the control plane'],
  YieldExpression: ['yield', 'a packet is handled at once; leave what must wait to the control plane'],
  TryStatement: ['try', 'nothing throws in a data plane; test for null and return a verdict'],
  ThrowStatement: ['throw', "there are no exceptions: return drop('a declared reason')"],
  NewExpression: ['new', 'there is no heap; keep state in a table of the schema'],
  ClassDeclaration: ['a class', 'declare state in the schema and functions at the top of the module'],
  TemplateLiteral: ['a string', 'there are no strings; use numbers, and names declared in the schema'],
  ArrayExpression: ['an array', 'declare an array in the schema: array({ value: { … }, entries: 16 })'],
  ForInStatement: ['for … in', 'write for (let i = 0; i < 16; i++) { … }'],
  TSNonNullExpression: ['!', 'it checks nothing at run time; write if (!x) return … first'],
  ThisExpression: ['this', 'use the parameters'],
  SequenceExpression: ['a comma', 'write two statements'],
  RegExpLiteral: ['a regular expression', 'compare fields, or leave the packet to the control plane'],
  SpreadElement: ['… in a list or a call', 'name each one'],
  UpdateExpression: ['++ in the head of a loop, or of a parameter', 'make it a statement of its own'],
  AssignmentExpression: ['= inside an expression', 'make it a statement of its own'],
  TaggedTemplateExpression: ['a string', 'there are no strings; use numbers, and names declared in the schema'],
  DebuggerStatement: ['debugger', 'take it out: the kernel does not stop at packets'],
  WithStatement: ['with', 'name the object: packet.length'],
  TSEnumDeclaration: ['an enum', 'move it to the top of the module'],
  TSModuleDeclaration: ['a namespace', 'move it into a module of its own'],
  TSTypeAliasDeclaration: ['a type declaration', 'move it to the top of the module'],
  TSInterfaceDeclaration: ['a type declaration', 'move it to the top of the module'],
  TSTypeAssertion: ['<…>', 'convert with u8(…), u16(…), u32(…) or u64(…)'],
  TSInstantiationExpression: ['<…>', 'call the function without type arguments'],
  MetaProperty: ['this', 'use the parameters'],
  Super: ['super', 'there are no classes; call functions by their names'],
  ImportExpression: ['import()', 'write import { … } from … at the top of the module'],
  ImportDeclaration: ['import', 'move it to the top of the module'],
  ExportNamedDeclaration: ['export', 'move it to the top of the module'],
  ExportDefaultDeclaration: ['export', 'move it to the top of the module'],
  ExportAllDeclaration: ['export', 'move it to the top of the module'],
  ClassExpression: ['a class', 'declare state in the schema and functions at the top of the module'],
  PrivateIdentifier: ['#', 'name a field of the schema'],
  TSDeclareFunction: ['a function inside a function', 'declare it at the top of the module and call it'],
}

/** Syntax of which nothing but its name and place matters. */
export interface Named extends Span {
  readonly type: string
}

/** The refusal of a piece of syntax, by its own name or by that of what it amounts to. */
export function refused(source: SourceText, node: Named, as: string = node.type) {
  const known = REFUSED[as]
  // A long construct is pointed at by its first line's beginning.
  const at = { start: node.start, end: Math.min(node.end, node.start + 60) }
  if (known === undefined)
    return unfit(source, at, `a data plane cannot contain this (${as})`, 'write it with const, let, if, for and return')
  return unfit(source, at, `a data plane cannot contain ${known[0]}`, known[1])
}
