/** Rewritten packets between two real stacks, with the kernel's offloads and without: half-done checksums, segments to be cut. */
import { spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scratch } from '../../src/kernel/fixtures.ts'
import { ROOT, run, settled, snapshot, tessera, whyNot } from './host.ts'

const CUBE = join(ROOT, 'test/cubes/translator')
const GRAPH = join(tmpdir(), 'translated.yaml')
const HOSTS = [
  { name: scratch('client'), port: `client${process.pid}`, mac: '02:77:00:00:00:01', v4: '10.77.0.1', v6: 'fd77::1' },
  { name: scratch('server'), port: `server${process.pid}`, mac: '02:77:00:00:00:02', v4: '10.77.0.2', v6: 'fd77::2' },
] as const
const [CLIENT, SERVER] = HOSTS
/** What each knows the other one by. */
const SEEN = { client: ['10.77.0.102', 'fd77::102'], server: ['10.77.0.101', 'fd77::101'] } as const

/** A command that must do. */
function must(...words: readonly [string, ...string[]]): string {
  const { code, stdout, stderr } = run(...words)
  if (code !== 0) throw new Error(`${words.join(' ')}: ${stderr || stdout}`)
  return stdout
}
const within = (host: { name: string }, ...words: readonly string[]) => must('ip', 'netns', 'exec', host.name, ...words)

function connect(): void {
  for (const host of HOSTS) {
    must('ip', 'netns', 'add', host.name)
    must('ip', 'link', 'add', host.port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', host.name)
    must('ip', 'link', 'set', host.port, 'promisc', 'on', 'up')
    within(host, 'ip', 'link', 'set', 'eth0', 'address', host.mac, 'up')
    within(host, 'ip', 'addr', 'add', `${host.v4}/24`, 'dev', 'eth0')
    within(host, 'ip', 'addr', 'add', `${host.v6}/64`, 'dev', 'eth0', 'nodad')
  }
  for (const [host, addresses, peer] of [
    [CLIENT, SEEN.client, SERVER],
    [SERVER, SEEN.server, CLIENT],
  ] as const)
    for (const address of addresses) within(host, 'ip', 'neigh', 'add', address, 'lladdr', peer.mac, 'dev', 'eth0')
}

/** 20 MB to port 80, which the client knows as 8080. */
async function transfer(address: string): Promise<string> {
  const server = spawn('ip', ['netns', 'exec', SERVER.name, 'iperf3', '-s', '-1', '-p', '80', '--forceflush'])
  const ended = new Promise<number | null>((resolve) => void server.once('exit', resolve))
  await new Promise<void>((resolve) => void server.stdout.once('data', () => resolve()))
  const report = within(CLIENT, 'iperf3', '-c', address, '-p', '8080', '-n', '20M', '--json')
  expect(await ended).toBe(0)
  return report
}

/** What tcpdump thinks of the checksums of `count` packets at a host, while something happens. */
async function watched(host: { name: string }, count: number, work: () => Promise<unknown>): Promise<string> {
  const options = ['-i', 'eth0', '-n', '-vv', '-l', '-c', String(count), 'tcp']
  const dump = spawn('ip', ['netns', 'exec', host.name, 'tcpdump', ...options])
  let said = ''
  dump.stdout.on('data', (text: Buffer) => {
    said += text.toString()
  })
  const ended = new Promise((resolve) => void dump.once('exit', resolve))
  await new Promise<void>((resolve) => void dump.stderr.once('data', () => resolve()))
  await work()
  await ended
  return said
}

const reason = whyNot('ip', 'ping', 'iperf3', 'tcpdump', 'ethtool')
describe.skipIf(reason !== undefined)(
  `rewritten TCP in the kernel${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    let before: string[] = []
    beforeAll(() => {
      before = snapshot()
      connect()
      const ports = { client: { interface: CLIENT.port, client: true }, server: { interface: SERVER.port } }
      writeFileSync(GRAPH, JSON.stringify({ graph: 'translated', instances: { nat: { cube: CUBE, ports } } }))
      const { code, stderr } = tessera('apply', GRAPH)
      if (code !== 0) throw new Error(stderr)
    })

    afterAll(() => {
      tessera('delete', 'translated')
      for (const { name, port } of HOSTS) {
        run('ip', 'link', 'del', port)
        run('ip', 'netns', 'del', name)
      }
      rmSync(GRAPH, { force: true })
      expect(settled(before)).toEqual(before)
    })

    test.each(SEEN.client)('offloaded: %s is pinged, and takes large segments whole', async (address) => {
      expect(within(CLIENT, 'ping', '-c', '2', '-i', '0.2', '-W', '10', address)).toContain(' 0% packet loss')
      expect(await transfer(address)).toContain('sum_received')
    })

    test.each(SEEN.client)('not offloaded: all checksums of the packets with %s are correct', async (address) => {
      for (const host of HOSTS)
        within(host, 'ethtool', '-K', 'eth0', 'tx', 'off', 'rx', 'off', 'gso', 'off', 'tso', 'off', 'gro', 'off')
      for (const host of HOSTS) {
        const said = await watched(host, 100, () => transfer(address))
        expect(said.match(/cksum 0x[0-9a-f]{4} \(correct\)/g)?.length).toBeGreaterThanOrEqual(100)
        expect(said).not.toMatch(/incorrect|bad cksum/)
      }
    })
  },
)
