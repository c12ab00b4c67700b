/**
 * `thousand.ts COUNT`: stitches a tree of so many bridges, each with four ports, in a process that has compiled nothing before: from
 * the file's text to all programs and the plan. Says how long that took, and how much memory the process has had at most. The
 * interfaces are the virtual machine's; nothing is loaded.
 */
import { openVirtualHost } from '../../src/daemon/host.ts'
import { readGraph } from '../../src/engine/read/read.ts'
import { tree } from './tree.ts'

const count = Number(process.argv[2] ?? 1000)
const { text, interfaces } = tree(count)
using host = openVirtualHost()
for (const [index, name] of interfaces.entries()) {
  const [high, low] = [index >> 8, index & 255].map((octet) => octet.toString(16).padStart(2, '0'))
  host.machine.addInterface(name, { mac: `02:00:00:00:${high}:${low}` })
}

const start = performance.now()
const graph = await readGraph('thousand.yaml', text, host.catalogue)
const { actions } = await host.engine.plan(graph)
const ms = performance.now() - start
const programs = actions.flatMap((action) =>
  action.do === 'load'
    ? [action.program]
    : action.do === 'install'
      ? action.programs.map(({ program }) => program)
      : [],
)
const instructions = programs.reduce((sum, one) => sum + one.instructions.length, 0)
const mib = process.resourceUsage().maxRSS / 1024
console.log(JSON.stringify({ ms, mib, ports: 4 * count, programs: programs.length, instructions }))
