/**
 * `loaded.ts COUNT FILE [STATIONS]`: applies a tree of so many bridges, each with room for so many stations, to veths of this network
 * namespace, in a process that has compiled nothing before: from the file's text until packets flow. Then applies it again, changes
 * one bridge, asks for all counters, and removes all. Says how many seconds each took, how much memory the process has had at most,
 * and how much the kernel took for it, in MiB.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { openKernelHost } from '../../src/daemon/host.ts'
import { readGraph } from '../../src/engine/read/read.ts'
import { changeLink, createVeth } from '../../src/kernel/netlink/link.ts'
import { STATIONS, TREE, tree } from './tree.ts'

const [count = '100', file = 'tree.yaml', stations = `${STATIONS}`] = process.argv.slice(2)
const { text, interfaces } = tree(Number(count), Number(stations))
// Each pair is two interfaces of the graph.
for (let at = 0; at < interfaces.length; at += 2) {
  const [one = '', other = 'spare'] = interfaces.slice(at, at + 2)
  createVeth({ name: one }, { name: other })
  for (const name of [one, other]) changeLink(name, { silent: true, up: true })
}

/** Of this process, in MiB: what is resident, or the most that has been. */
const ownMib = (field: 'VmRSS' | 'VmHWM'): number => kibibytes('/proc/self/status', field) / 1024
/** Of all, and of the kernel. */
const freeMib = (): number => kibibytes('/proc/meminfo', 'MemAvailable') / 1024
const kibibytes = (path: string, field: string): number =>
  Number(new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm').exec(readFileSync(path, 'utf8'))?.[1])

using host = openKernelHost()
const { engine, catalogue } = host
const seconds: Record<string, number> = {}
const timed = async (step: string, run: () => unknown): Promise<void> => {
  const start = performance.now()
  await run()
  seconds[step] = (performance.now() - start) / 1000
}
const apply = async (text: string) => {
  writeFileSync(file, text)
  await engine.apply(await readGraph(file, text, catalogue))
}
const [free, resident] = [freeMib(), ownMib('VmRSS')]
let kernel_mib = 0
try {
  await timed('apply', () => apply(text))
  kernel_mib = free - freeMib() - (ownMib('VmRSS') - resident)
  await timed('again', () => apply(text))
  const last = `b${Number(count) - 1}: { cube: bridge,`
  await timed('change', () => apply(text.replace(last, `${last} config: { agingTime: 60 },`)))
  await timed('status', () => engine.status(TREE))
} finally {
  await timed('delete', () => engine.delete(TREE))
}
console.log(JSON.stringify({ interfaces: interfaces.length, ...seconds, mib: ownMib('VmHWM'), kernel_mib }))
