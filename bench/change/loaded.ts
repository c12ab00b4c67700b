/**
 * `loaded.ts COUNT`: applies a tree of so many bridges to veths of this network namespace, in a process that has compiled nothing
 * before: from the file's text until packets flow. Then looks at it, changes one bridge, and removes all. Says how many
 * milliseconds each took, and how much memory the process has had at most.
 */
import { writeFileSync } from 'node:fs'
import { openKernelHost } from '../../src/daemon/host.ts'
import { readGraph } from '../../src/engine/read.ts'
import { changeLink, createVeth } from '../../src/kernel/netlink/link.ts'
import { tree } from './tree.ts'

const [count = '100', file = 'tree.yaml'] = process.argv.slice(2)
const { text, interfaces } = tree(Number(count))
// Each pair is two interfaces of the graph.
for (let at = 0; at < interfaces.length; at += 2) {
  const [one = '', other = 'spare'] = interfaces.slice(at, at + 2)
  createVeth({ name: one }, { name: other })
  for (const name of [one, other]) changeLink(name, { silent: true, up: true })
}

using host = openKernelHost()
const { engine, catalogue } = host
const steps: Record<string, number> = {}
const timed = async (step: string, run: () => unknown): Promise<void> => {
  const start = performance.now()
  await run()
  steps[step] = performance.now() - start
}
const apply = async (text: string) => {
  writeFileSync(file, text)
  await engine.apply(await readGraph(file, text, catalogue))
}
try {
  await timed('apply', () => apply(text))
  await timed('again', () => apply(text))
  await timed('change', () => apply(text.replace('p3: {', 'p3: { learning: false, ')))
  await timed('status', () => engine.status('bench-tree'))
} finally {
  await timed('delete', () => engine.delete('bench-tree'))
}
const mib = process.resourceUsage().maxRSS / 1024
console.log(JSON.stringify({ interfaces: interfaces.length, ...steps, mib }))
