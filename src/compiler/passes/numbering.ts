import { type Block, dominators, type Graph, isPure, type Value } from '../ir.ts'
import { replaceAll } from './graph.ts'
import { simplify } from './simplify.ts'
import { packetStates, type States } from './states.ts'

/**
 * Global value numbering: what was computed on every way here is not computed again, and what got simpler by it is
 * simplified. Constants and addresses of maps are left alone; they are remade where they are used.
 */
export function numberValues(graph: Graph): boolean {
  const idom = dominators(graph)
  const states = packetStates(graph)
  const children = new Map<Block, Block[]>()
  for (const [block, parent] of idom)
    if (block !== parent) children.set(parent, (children.get(parent) ?? []).concat(block))
  const replacements = new Map<Value, Value>()
  let simplified = false

  const known = new Map<string, Value>()
  /** Numbers what is in a block; gives the keys that are new, for those that the block does not dominate. */
  const visit = (block: Block): string[] => {
    const values: Value[] = []
    const added: string[] = []
    for (const original of block.values) {
      original.arguments = original.arguments.map((one) => replacements.get(one) ?? one)
      let value = original
      const simple = simplify(original, original.arguments)
      if (simple !== undefined && 'id' in simple) {
        replacements.set(original, simple)
        continue
      }
      if (simple !== undefined) {
        simplified = true
        value = { ...simple.operation, id: original.id, arguments: simple.arguments, at: original.at } as Value
        replacements.set(original, value)
        if (value.op === 'const') continue
      }
      const key = keyOf(value, states)
      const earlier = key === undefined ? undefined : known.get(key)
      if (earlier !== undefined) {
        replacements.set(original, earlier)
        continue
      }
      if (key !== undefined) {
        known.set(key, value)
        added.push(key)
      }
      values.push(value)
    }
    block.values = values
    return added
  }
  // Down the tree of dominators and up again, without recursion: it is as deep as the function is long.
  const waiting: (Block | { readonly forget: readonly string[] })[] = [graph.entry]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if ('forget' in next) for (const key of next.forget) known.delete(key)
    else waiting.push({ forget: visit(next) }, ...(children.get(next) ?? []).reverse())
  }
  replaceAll(graph, replacements)
  return simplified || replacements.size > 0
}

/** Equal keys, equal values. Undefined for what is never shared. */
function keyOf(value: Value, states: States): string | undefined {
  if (!isPure(value) || value.op === 'const' || value.op === 'stack' || value.op === 'map' || value.op === 'mapValue')
    return undefined
  const { id: _id, at: _at, arguments: given, ...operation } = value
  const parts = given.map((one) =>
    one.op === 'const' ? `#${one.value}` : one.op === 'mapValue' ? `${one.name}+${one.offset}` : `v${one.id}`,
  )
  const changes = value.op === 'load' && (value.from === 'context' || value.from === 'packet')
  return `${Object.values(operation).join(' ')} ${parts.join(' ')} ${changes ? states.before(value, value.from) : ''}`
}
