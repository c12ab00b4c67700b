/**
 * `npm run demo`: three hosts, one switch whose data plane is src/cubes/bridge/dataplane.ts. In this kernel where that can
 * be, else on the user-space machine. `-- --keep` leaves it running, `-- --remove` takes away what was left.
 */
import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { join, relative } from 'node:path'
import { Refusal } from '../src/base/diagnostic.ts'
import { printRehearsal } from '../src/cli/rehearsal.ts'
import { printStatus } from '../src/cli/status.ts'
import { type Host, openKernelHost, openVirtualHost } from '../src/daemon/host.ts'
import { rehearse } from '../src/daemon/rehearsal.ts'
import { readGraph } from '../src/engine/read.ts'
import { missingCapabilities } from '../src/kernel/capabilities.ts'
import { lockFile } from '../src/kernel/lock.ts'
import { RUN_FOLDER } from '../src/kernel/places.ts'
import { createHost, HOSTS, removeHost } from './hosts.ts'
import { pingEveryPair, transfer } from './traffic.ts'

const GRAPH = join(import.meta.dirname, '../examples/bridge.yaml')
const SHOWN = relative(process.cwd(), GRAPH)
const TRANSFER = 512 * 2 ** 20

const readDemoGraph = ({ catalogue }: Host) => readGraph(SHOWN, readFileSync(GRAPH, 'utf8'), catalogue)

/** The kernel, or why not. */
function openKernel(): Host | string {
  try {
    const host = openKernelHost()
    const missing = missingCapabilities(['CAP_SYS_ADMIN'])
    return missing.length === 0 ? host : `${missing.join(', ')} is missing, which network namespaces need`
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return error.diagnostics[0]?.message ?? error.message
  }
}

async function onVirtualMachine(why: string): Promise<void> {
  console.log(`Tessera on the user-space machine, with simulated hosts, because ${why.replace(/^.*here: /, '')}.\n`)
  using host = openVirtualHost()
  const rehearsal = await rehearse(host, await readDemoGraph(host))
  console.log(printRehearsal(rehearsal))
  if (rehearsal.exchanges.some(({ answered }) => !answered)) process.exitCode = 1
}

async function inKernel(host: Host, keep: boolean): Promise<void> {
  using _only = lockFile(join(RUN_FOLDER, 'demo.lock'))
  console.log(`Tessera in this kernel, Linux ${release()}.\n`)
  if (await removeAll(host)) console.log('What an earlier demo left is removed.\n')
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.once(signal, () => {
      console.log(`\n${signal}: removing what was made`)
      void removeAll(host).then(() => process.exit(code))
    })
  try {
    console.log('Three hosts, each a network namespace:')
    for (const one of HOSTS) {
      createHost(one)
      console.log(`  ${one.name.padEnd(6)} ${one.mac}  ${one.ipv4}  ${one.ipv6}`)
    }
    const start = performance.now()
    const { wanted } = await host.engine.apply(await readDemoGraph(host))
    const programs = Object.values(wanted.attachments)
    const instructions = programs.reduce((sum, { program }) => sum + program.instructions.length, 0)
    console.log(
      `\n${SHOWN} runs: ${programs.length} programs, ${instructions} instructions, ` +
        `read, compiled, verified and attached in ${Math.round(performance.now() - start)} ms.\n`,
    )
    if (!(await pingEveryPair(HOSTS))) process.exitCode = 1
    const [from, to] = HOSTS
    if (from !== undefined && to !== undefined && !(await transfer(from, to, TRANSFER))) process.exitCode = 1
    console.log(`\n${printStatus(await host.engine.status('office'))}\n`)
  } finally {
    if (!keep) await removeAll(host)
  }
  console.log(keep ? NEXT : 'All that was made is removed.')
}

const NEXT = `It keeps running. To try next (as root):
  npx tessera show                                   counters and stations
  ip netns exec tess-alice ping 10.77.0.2            more packets
  npx tessera compile bridge                         instructions beside their TypeScript
  bpftool prog dump xlated name switch_alice         the same, as the kernel has it
  bpftool map dump name stations                     the table of stations
  npx tessera delete ${SHOWN.padEnd(31)} the switch goes, the hosts stay
  npm run demo -- --remove                           everything goes`

/** False where there was nothing. */
async function removeAll({ engine }: Host): Promise<boolean> {
  const runs = engine.names().includes('office')
  if (runs) await engine.delete('office')
  return HOSTS.map(removeHost).includes(true) || runs
}

const words = process.argv.slice(2)
const unknown = words.find((word) => !['--keep', '--remove'].includes(word))
if (unknown !== undefined) {
  console.error(`${unknown}: not known. npm run demo, npm run demo -- --keep, npm run demo -- --remove`)
  process.exitCode = 2
} else {
  const opened = openKernel()
  try {
    if (typeof opened === 'string') {
      await onVirtualMachine(opened)
      if (words.length > 0)
        console.log(`\n${words.join(' ')}: this machine ends with the demo, so nothing is kept or left.`)
    } else if (words.includes('--remove'))
      console.log(
        (await removeAll(opened)) ? 'All that the demo made is removed.' : 'There is nothing of the demo here.',
      )
    else await inKernel(opened, words.includes('--keep'))
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
