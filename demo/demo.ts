/**
 * `npm run demo`: three hosts, one switch whose data plane is src/cubes/bridge/dataplane.ts. In this kernel where that can
 * be, else on the user-space machine. `-- --keep` leaves it running, `-- --remove` takes away what was left.
 */
import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { join, relative } from 'node:path'
import { parse } from 'yaml'
import { Refusal } from '../src/base/diagnostic.ts'
import { printRehearsal } from '../src/cli/rehearsal.ts'
import { printInstance } from '../src/cli/status.ts'
import { statusOf } from '../src/cli/status-of.ts'
import type { GraphDocument } from '../src/cube/document.ts'
import { type Host, openKernelHost, openVirtualHost } from '../src/daemon/host.ts'
import { rehearse } from '../src/daemon/rehearsal.ts'
import { readGraph } from '../src/engine/read/read.ts'
import { missingCapabilities } from '../src/kernel/capabilities.ts'
import { lockFile } from '../src/kernel/lock.ts'
import { RUN_FOLDER } from '../src/kernel/places.ts'
import { endDaemon, findDaemon, startDaemon } from './daemon.ts'
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

async function inKernel(keep: boolean): Promise<void> {
  using _only = lockFile(join(RUN_FOLDER, 'demo.lock'))
  console.log(`Tessera in this kernel, Linux ${release()}.\n`)
  if (await removeAll()) console.log('What an earlier demo left is removed.\n')
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.once(signal, () => {
      console.log(`\n${signal}: removing what was made`)
      void removeAll().then(() => process.exit(code))
    })
  try {
    console.log('Three hosts, each a network namespace:')
    for (const one of HOSTS) {
      createHost(one)
      console.log(`  ${one.name.padEnd(6)} ${one.mac}  ${one.ipv4}  ${one.ipv6}`)
    }
    const found = await findDaemon()
    using daemon = found ?? (await startDaemon())
    console.log(`\n${found === undefined ? 'A daemon is started' : 'A daemon runs here'}; it is given ${SHOWN}.`)
    const start = performance.now()
    const { body } = await daemon.putGraph({ graph: NAME, body: wanted() })
    const programs = body.actions.filter((action) => action.do === 'attach').length
    console.log(
      `The graph runs, at revision ${body.revision}: ${programs} programs, read, compiled, verified and attached in ` +
        `${Math.round(performance.now() - start)} ms.\n`,
    )
    if (!(await pingEveryPair(HOSTS))) process.exitCode = 1
    const [from, to] = HOSTS
    if (from !== undefined && to !== undefined && !(await transfer(from, to, TRANSFER))) process.exitCode = 1
    const { name, instances } = (await daemon.getGraphStatus({ graph: NAME })).body
    console.log([`\ngraph ${name}`, ...instances.map((one) => printInstance(statusOf(one)))].join('\n\n'))
  } finally {
    if (!keep) await removeAll()
  }
  console.log(
    keep ? `\nIt keeps running. ${TOUR}` : `\nAll that was made is removed. npm run demo -- --keep leaves it. ${TOUR}`,
  )
}

const NAME = 'office'

const wanted = (): GraphDocument => parse(readFileSync(GRAPH, 'utf8')) as GraphDocument

const TOUR = `Then try, as root:
  npx tessera get ports                                     who is where, packets, drops
  npx tessera top                                           packets per second
  npx tessera trace office icmp -c 1                        one packet's way, while ip netns exec ${HOSTS[0]?.namespace} ping 10.77.0.2
  npx tessera set office/switch config.agingTime=60         one field, and packets flow on
  npx tessera describe office/switch                        all there is to know about the switch
npm run demo -- --remove takes everything away.`

/** False where there was nothing. */
async function removeAll(): Promise<boolean> {
  const had = await removeGraph()
  const ended = await endDaemon()
  return HOSTS.map(removeHost).includes(true) || had || ended
}

/** Of a daemon that is not the demo's, too; and where none runs any more. */
async function removeGraph(): Promise<boolean> {
  using daemon = await findDaemon()
  if (daemon === undefined) {
    using host = openKernelHost()
    const runs = host.engine.names().includes(NAME)
    if (runs) await host.engine.delete(NAME)
    return runs
  }
  const runs = (await daemon.listGraphs()).body.some(({ name }) => name === NAME)
  if (runs) await daemon.deleteGraph({ graph: NAME })
  return runs
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
      console.log((await removeAll()) ? 'All that the demo made is removed.' : 'There is nothing of the demo here.')
    else await inKernel(words.includes('--keep'))
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
