/** `tessera control` and what `tessera show` says of it, while control planes fail and their process is killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { scratch } from '../../src/kernel/fixtures.ts'
import { inNamespace } from '../../src/kernel/namespace.ts'
import { RUN_FOLDER } from '../../src/kernel/places.ts'
import { RawSocket } from '../../src/kernel/raw-socket.ts'
import { THROWS } from '../../src/testing/cubes/clerk/schema.ts'
import { packet } from '../../src/testing/index.ts'
import { ROOT, run, TESSERA, tessera, whyNot } from './host.ts'
import { useHosts } from './hosts.ts'

const NS = scratch('ctl')
const GRAPH = `control-${process.pid}`
const HOSTS = ['a', 'b'].map((name, index) => ({ ns: `${NS}-${name}`, port: `p-${name}`, number: index + 1 }))
const [A, B] = HOSTS.map(({ ns }) => ns) as [string, string]

const folder = mkdtempSync(join(tmpdir(), 'tessera-control-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'control.yaml')
writeFileSync(
  file,
  `graph: ${GRAPH}
instances:
  desk:
    cube: ${ROOT}/src/testing/cubes/clerk
    queue: 4096
    ports: { a: { interface: p-a }, b: { interface: p-b } }
  plain: { cube: bridge, ports: {} }
`,
)

const reason = whyNot('ping', 'ip')

describe.skipIf(reason !== undefined)(`tessera control${reason === undefined ? '' : ` (${reason})`}`, () => {
  useHosts(NS, HOSTS, '10.83.0')
  let running: ChildProcess[] = []

  beforeAll(() => {
    expect(inNamespace(NS, () => tessera('apply', file))).toMatchObject({ code: 0, stderr: '' })
  })
  afterAll(() => {
    expect(inNamespace(NS, () => tessera('delete', GRAPH)).code).toBe(0)
  })
  afterEach(async () => {
    await Promise.all(running.map((child) => end(child, 'SIGINT')))
    running = []
  })

  const start = (): ChildProcess => {
    const child = inNamespace(NS, () => spawn(process.execPath, [TESSERA, 'control'], { stdio: 'ignore' }))
    running.push(child)
    return child
  }
  const end = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill(signal)
    await exit
  }
  const shown = (): string => inNamespace(NS, () => tessera('show', GRAPH)).stdout
  const says = (what: string | RegExp) =>
    vi.waitFor(() => expect(shown()).toMatch(what), { timeout: 60_000, interval: 50 })
  const pings = (): string => inNamespace(A, () => run('ping', '-c', '3', '-i', '0.2', '-W', '2', '10.83.0.2')).stdout
  const ABSENT = 'control plane: nobody runs it; sudo tessera control does'

  test('packets that need it wait, and are dropped and counted when there is no room; it runs, and they pass', async () => {
    expect(pings()).toContain(' 0 received')
    // The first addresses are asked for again and again: each of their packets waits.
    const frame = packet().ethernet({ source: '02:00:00:00:00:01', destination: '02:00:00:00:00:02' }).padded(1400)
    inNamespace(A, () => {
      using socket = RawSocket.open('eth0')
      for (let times = 0; times < 50; times++) socket.send(frame)
    })
    const waiting = shown()
    expect(waiting).toContain(ABSENT)
    expect(waiting.match(/control plane:/g)).toHaveLength(1)
    expect(waiting).toMatch(/\d+ queue_full .* \d+ stranger/)
    start()
    await says('control plane: running\n')
    await vi.waitFor(() => expect(pings()).toContain(' 3 received'), { timeout: 60_000 })
  })

  test('one that throws is started anew, which is shown, with the reason', async () => {
    start()
    await says('control plane: running')
    inNamespace(A, () => {
      using socket = RawSocket.open('eth0')
      socket.send(packet().ethernet({ source: THROWS, destination: '02:00:00:00:00:02' }).padded(60))
    })
    await says(/control plane: running, started anew once, failed last: .*this address was expected/)
    const { stdout } = inNamespace(NS, () => tessera('show', GRAPH, '--json'))
    const [desk, plain] = (JSON.parse(stdout) as [{ instances: { control?: object }[] }])[0].instances
    expect(desk?.control).toMatchObject({ state: 'running', restarts: 1 })
    expect(plain?.control).toBeUndefined()
  })

  test('what somebody who looked and was killed has left is put back, though nobody runs a command', async () => {
    start()
    await says('control plane: running')
    const isLooked = () => readFileSync(join(RUN_FOLDER, `graphs/${GRAPH}.json`), 'utf8').includes('"look":{')
    const looker = inNamespace(NS, () =>
      spawn(process.execPath, [TESSERA, 'capture', GRAPH, '-w', join(folder, 'seen.pcapng')], { stdio: 'ignore' }),
    )
    running.push(looker)
    await vi.waitFor(() => expect(isLooked()).toBe(true), { timeout: 60_000 })
    await setTimeout(1500)
    expect(isLooked()).toBe(true)
    await end(looker, 'SIGKILL')
    await vi.waitFor(() => expect(isLooked()).toBe(false), { timeout: 60_000 })
    expect(pings()).toContain(' 3 received')
  })

  test('what it sends is captured, by whoever begins to look while it runs', async () => {
    start()
    await says('control plane: running')
    const looker = inNamespace(NS, () => spawn(process.execPath, [TESSERA, 'capture', GRAPH, 'desk:b']))
    running.push(looker)
    let seen = ''
    looker.stdout.setEncoding('utf8').on('data', (text: string) => (seen += text))
    // Nobody has heard of these addresses, so that only the control plane can send their packets.
    let stranger = 0x10
    const send = () =>
      inNamespace(A, () => {
        using socket = RawSocket.open('eth0')
        const source = `02:00:00:00:01:${(stranger++).toString(16)}`
        socket.send(packet().ethernet({ source, destination: '02:00:00:00:00:02' }).padded(60))
      })
    const sent = () => {
      send()
      return seen
    }
    await expect.poll(sent, { timeout: 60_000, interval: 300 }).toMatch(/desk:b out.*02:00:00:00:01:/)
  })

  test('where it is killed, show says so, packets that do not need it pass, and another one takes over', async () => {
    const first = start()
    await says('control plane: running')
    await vi.waitFor(() => expect(pings()).toContain(' 3 received'), { timeout: 60_000 })
    await end(first, 'SIGKILL')
    expect(shown()).toContain(ABSENT)
    expect(pings()).toContain(' 3 received')
    start()
    await says('control plane: running')
    expect(pings()).toContain(' 3 received')
    const second = inNamespace(NS, () => tessera('control'))
    expect(second.code).toBe(1)
    expect(second.stderr).toMatch(/another process \(\d+\) holds .*control\.lock/)
  })

  test('what the stack of a host sends arrives with its checksum, which the device was to finish', async () => {
    start()
    await says('control plane: running')
    await vi.waitFor(() => expect(pings()).toContain(' 3 received'), { timeout: 60_000 })
    const listen = `const socket = require('node:dgram').createSocket('udp4')
socket.on('message', (text) => { console.log(String(text)); socket.close() })
socket.bind(7000, () => console.log('ready'))`
    const listener = inNamespace(B, () =>
      spawn(process.execPath, ['-e', listen], { stdio: ['ignore', 'pipe', 'inherit'] }),
    )
    running.push(listener)
    let heard = ''
    listener.stdout?.setEncoding('utf8').on('data', (text: string) => (heard += text))
    await vi.waitFor(() => expect(heard).toBe('ready\n'), { timeout: 60_000 })
    const [address = ''] =
      /02(:[0-9a-f]{2}){5}/.exec(inNamespace(B, () => run('ip', 'link', 'show', 'eth0')).stdout) ?? []
    // Nobody knows A by this address: its one packet is punted.
    inNamespace(A, () => {
      run('ip', 'link', 'set', 'eth0', 'address', '02:00:00:00:00:0a')
      run('ip', 'neighbour', 'replace', '10.83.0.2', 'lladdr', address, 'dev', 'eth0')
      run(
        process.execPath,
        '-e',
        "require('node:dgram').createSocket('udp4').send('hello', 7000, '10.83.0.2', function () { this.close() })",
      )
    })
    await vi.waitFor(() => expect(heard).toBe('ready\nhello\n'), { timeout: 60_000 })
  })
})
