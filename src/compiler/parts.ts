import type { Typed, TypedStatement } from './typed.ts'

export type Node = Typed | TypedStatement

const isNode = (part: unknown): part is Node => typeof part === 'object' && part !== null && 'op' in part

/** What a node is made of. Whatever has an `op` is a node; the others in it are fields of a record, with a node each. */
export function addParts(node: Node, to: Node[]): void {
  for (const part of Object.values<unknown>(node)) if (typeof part === 'object') addPart(part, to)
}

function addPart(part: unknown, to: Node[]): void {
  if (Array.isArray(part)) for (const one of part) addPart(one, to)
  else if (isNode(part)) to.push(part)
  else if (typeof part === 'object' && part !== null && 'field' in part && 'value' in part) addPart(part.value, to)
}
