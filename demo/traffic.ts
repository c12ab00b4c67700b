/** Real traffic between the hosts of the demo, by processes that run inside their namespaces. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { inNamespace } from '../src/kernel/namespace.ts'
import type { DemoHost } from './hosts.ts'

interface Ended {
  readonly code: number | null
  readonly output: string
}

/** Starts a process in a host. Children inherit the network namespace of the thread that starts them. */
const start = ({ namespace }: DemoHost, command: string, ...words: string[]): ChildProcess =>
  inNamespace(namespace, () => spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] }))

function ended(child: ChildProcess): Promise<Ended> {
  return new Promise((resolve) => {
    let output = ''
    const collect = (data: Buffer) => {
      output += data
    }
    child.stdout?.on('data', collect)
    child.stderr?.on('data', collect)
    child.on('error', (error) => resolve({ code: null, output: error.message }))
    child.on('close', (code) => resolve({ code, output }))
  })
}

const PING = ['/usr/bin/ping', '/bin/ping'].find((path) => existsSync(path))

/** Every host to every other, over IPv4 and IPv6: prints a matrix of round-trip times; false where one did not answer. */
export async function pingEveryPair(hosts: readonly DemoHost[]): Promise<boolean> {
  if (PING === undefined) {
    console.log('ping: not installed here (apt-get install iputils-ping), so nobody pings')
    return true
  }
  const pairs = hosts.flatMap((from) => hosts.filter((to) => to !== from).map((to) => ({ from, to })))
  const ping = async (from: DemoHost, address: string): Promise<string | undefined> => {
    const { code, output } = await ended(start(from, PING, '-n', '-c', '3', '-i', '0.2', '-W', '2', address))
    const [, average] = /= [\d.]+\/([\d.]+)\//.exec(output) ?? []
    const whole = / 0% packet loss/.test(output)
    return code === 0 && whole ? average : undefined
  }
  const results = await Promise.all(
    pairs.map(async ({ from, to }) => ({
      from,
      to,
      times: await Promise.all([ping(from, to.ipv4), ping(from, to.ipv6)]),
    })),
  )
  console.log('ping, three times each, average round trip:')
  for (const { from, to, times } of results) {
    const [four, six] = times.map((time) => (time === undefined ? 'lost' : `${time} ms`))
    console.log(`  ${from.name.padEnd(6)} to ${to.name.padEnd(6)} IPv4 ${four?.padEnd(9)}  IPv6 ${six}`)
  }
  return results.every(({ times }) => times.every((time) => time !== undefined))
}

/** Moves bytes over TCP and IPv6; false where not all arrived. */
export async function transfer(from: DemoHost, to: DemoHost, bytes: number): Promise<boolean> {
  const script = join(import.meta.dirname, 'transfer.js')
  const server = start(to, process.execPath, script, 'serve', '7777')
  const served = ended(server)
  await new Promise((resolve) => {
    server.stdout?.once('data', resolve)
    server.once('close', resolve)
  })
  const { code, output } = await ended(start(from, process.execPath, script, 'send', to.ipv6, '7777', String(bytes)))
  const mebibytes = bytes / 2 ** 20
  if (code !== 0) {
    server.kill()
    console.log(`TCP: ${mebibytes} MiB from ${from.name} to ${to.name} did not arrive: ${output.trim()}`)
    return false
  }
  await served
  const { received, seconds } = JSON.parse(output) as { received: number; seconds: number }
  const rate = Math.round(received / 2 ** 20 / seconds)
  console.log(
    `\nTCP: ${received / 2 ** 20} of ${mebibytes} MiB from ${from.name} to ${to.name} in ${seconds.toFixed(1)} s, ${rate} MiB/s`,
  )
  return received === bytes
}
