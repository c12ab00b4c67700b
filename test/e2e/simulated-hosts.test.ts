/** Simulated hosts and Linux' own stack talk to each other, over a veth pair, in both directions. */
import { spawn } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scratch } from '../../src/kernel/fixtures.ts'
import { inNamespace } from '../../src/kernel/namespace.ts'
import { RawSocket } from '../../src/kernel/raw-socket.ts'
import { SimulatedHost } from '../../src/testing/index.ts'
import { run, settled, snapshot, whyNot } from './host.ts'

const reason = whyNot('ip', 'ping', 'ethtool')
const [LINUX, WIRE] = [scratch('linux'), `wire${process.pid}`]

const must = (line: string): void => {
  const [command = '', ...words] = line.split(' ')
  const { code, stderr } = run(command, ...words)
  if (code !== 0) throw new Error(`${line}: ${stderr}`)
}

/** A program inside Linux' namespace. Its lines, and its end. */
const CLIENT = `
const [address, port] = process.argv.slice(1)
const socket = require('node:net').connect({ host: address, port: Number(port) })
const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index * 7))
const parts = []
socket.on('data', (part) => parts.push(part))
socket.on('connect', () => socket.end(bytes))
socket.on('error', (error) => console.log(error.code))
socket.on('close', (failed) => failed || console.log(Buffer.concat(parts).equals(bytes) ? 'the same came back' : 'something else came back'))
`
const ASKER = `
const [address, port] = process.argv.slice(1)
const socket = require('node:dgram').createSocket(address.includes(':') ? 'udp6' : 'udp4')
socket.on('error', (error) => { console.log(error.code); process.exit() })
socket.on('message', (message) => { console.log(String(message)); process.exit() })
socket.connect(Number(port), address, () => socket.send('hello'))
setTimeout(() => { console.log('no answer'); process.exit() }, 60_000)
`
const SERVER = `
require('node:net').createServer((socket) => socket.pipe(socket)).listen(5000, '::', () => console.log('ready'))
const udp = require('node:dgram').createSocket('udp6')
udp.on('message', (message, from) => udp.send(message, from.port, from.address)).bind(5000, '::')
`

describe.skipIf(reason !== undefined)(`simulated hosts and Linux${reason === undefined ? '' : ` (${reason})`}`, () => {
  let before: readonly string[] = []
  let wire: RawSocket
  const host = new SimulatedHost({ mac: '02:00:00:00:00:77', ipv4: '10.98.0.2/24', ipv6: 'fd98::2/64' })

  beforeAll(() => {
    before = snapshot()
    must(`ip netns add ${LINUX}`)
    must(`ip link add ${WIRE} type veth peer name eth0 netns ${LINUX}`)
    // A packet socket gets frames as they left the stack: nobody else would cut them, or finish their checksums.
    must(`ip netns exec ${LINUX} ethtool -K eth0 tx off tso off gso off`)
    must(`ip link set ${WIRE} up`)
    for (const link of ['lo', 'eth0']) must(`ip -n ${LINUX} link set ${link} up`)
    must(`ip -n ${LINUX} addr add 10.98.0.1/24 dev eth0`)
    must(`ip -n ${LINUX} addr add fd98::1/64 dev eth0 nodad`)
    wire = RawSocket.open(WIRE)
    host.plugged((frame) => wire.send(frame))
  })
  afterAll(() => {
    wire?.[Symbol.dispose]()
    run('ip', 'netns', 'del', LINUX)
    run('ip', 'link', 'del', WIRE)
    expect(settled(before)).toEqual(before)
  })

  /** Carries frames to the host until something is there. */
  async function until<T>(there: () => T | undefined): Promise<T> {
    for (const deadline = performance.now() + 60_000; ; ) {
      for (let frame = wire.receive(); frame !== undefined; frame = wire.receive()) host.receive(frame)
      const found = there()
      if (found !== undefined) return found
      if (performance.now() > deadline) throw new Error('nothing happened within a minute')
      await setTimeout(1)
    }
  }

  const start = (command: string, ...words: readonly string[]) => {
    const child = inNamespace(LINUX, () => spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] }))
    const state: { output: string; code?: number } = { output: '' }
    child.stdout.on('data', (data) => {
      state.output += data
    })
    child.on('close', (code) => {
      state.code = code ?? -1
    })
    return { state, stop: () => child.kill() }
  }
  const ended = async (command: string, ...words: readonly string[]) => {
    const { state } = start(command, ...words)
    await until(() => state.code)
    return state
  }
  const node = (script: string, ...words: readonly string[]) => ended(process.execPath, '-e', script, ...words)

  describe.each([
    ['IPv4', '10.98.0.2', '10.98.0.1'],
    ['IPv6', 'fd98::2', 'fd98::1'],
  ])('%s', (_, to, linux) => {
    test('Linux pings, gets datagrams and 300,000 bytes back, and is refused at closed ports', async () => {
      const ping = await ended('ping', '-n', '-c', '2', '-i', '0.2', '-W', '5', to)
      expect(ping).toMatchObject({ code: 0, output: expect.stringContaining(' 0% packet loss') as string })
      expect((await node(ASKER, to, '7')).output).toBe('hello\n')
      expect((await node(ASKER, to, '9')).output).toBe('ECONNREFUSED\n')
      expect((await node(CLIENT, to, '7')).output).toBe('the same came back\n')
      expect((await node(CLIENT, to, '9')).output).toBe('ECONNREFUSED\n')
    })

    test('the host connects to Linux, sends 300,000 bytes and gets them back, and is refused at closed ports', async () => {
      const server = start(process.execPath, '-e', SERVER)
      try {
        await until(() => (server.state.output === '' ? undefined : true))
        // The neighbour is asked for first: its answer takes a moment here.
        const reach = (port: number) => until(() => host.connect(linux, port))
        const connection = await reach(5000)
        await until(() => (connection.state === 'established' ? true : undefined))
        const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => index * 3)
        connection.send(bytes)
        connection.close()
        await until(() => (connection.state === 'time-wait' ? true : undefined))
        expect(Buffer.from(connection.received).equals(bytes)).toBe(true)
        const refused = await reach(5001)
        await until(() => (refused.state === 'closed' ? true : undefined))
        expect(refused.isReset).toBe(true)
        host.errors.length = 0
        host.udp(linux, 5001)
        await until(() => host.errors[0])
        expect(host.errors).toMatchObject([linux.includes(':') ? { type: 1, code: 4 } : { type: 3, code: 3 }])
      } finally {
        server.stop()
      }
    })
  })
})
