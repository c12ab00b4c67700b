/**
 * `thousand.ts COUNT`: stitches a tree of so many bridges, each with four ports, in a process that has compiled nothing before: from
 * the file's text to all programs and the plan. Says how long that took, and how much memory the process has had at most. The
 * interfaces are the virtual machine's; nothing is loaded.
 */
import { openVirtualHost } from '../../src/daemon/host.ts'
import { readGraph } from '../../src/engine/read.ts'

const count = Number(process.argv[2] ?? 1000)
using host = openVirtualHost()
const interfaces: string[] = []

/** An interface where there is no bridge below. */
function below(bridge: number, port: number): string {
  const other = 3 * bridge + port
  if (other < count) return `{ to: b${other}.p0 }`
  interfaces.push(`e${bridge}x${port}`)
  return `{ interface: e${bridge}x${port} }`
}

const instances = Array.from({ length: count }, (_, bridge) => {
  const ports = [1, 2, 3].map((port) => `p${port}: ${below(bridge, port)}`)
  return `  b${bridge}: { cube: bridge, ports: { p0: ${bridge === 0 ? '{ interface: top }' : '{}'}, ${ports.join(', ')} } }\n`
})
for (const [index, name] of ['top', ...interfaces].entries()) {
  const [high, low] = [index >> 8, index & 255].map((octet) => octet.toString(16).padStart(2, '0'))
  host.machine.addInterface(name, { mac: `02:00:00:00:${high}:${low}` })
}

const start = performance.now()
const graph = await readGraph('thousand.yaml', `graph: thousand\ninstances:\n${instances.join('')}`, host.catalogue)
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
