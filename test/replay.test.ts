/** Captures through graphs: what comes out, when, and what is counted. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { concat } from '../src/base/bytes.ts'
import { main } from '../src/cli/main.ts'
import { openVirtualHost } from '../src/daemon/host.ts'
import { type Replay, type ReplayOptions, replay } from '../src/daemon/replay.ts'
import { saveReport, toJson } from '../src/daemon/replay-report.ts'
import { findWire } from '../src/engine/graph/ports.ts'
import { readGraph } from '../src/engine/read/read.ts'
import { type CapturedFrame, type CaptureFormat, CaptureReader, CaptureWriter } from '../src/pcap/index.ts'
import { packet } from '../src/testing/index.ts'

const ROOT = join(import.meta.dirname, '..')
const START = 1_700_000_000_000_000_000n
const SECOND = 1_000_000_000n

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-replay-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const frame = (from: number, to: number, payload = 'hello') =>
  packet()
    .ethernet({ source: `02:00:00:00:00:0${from}`, destination: `02:00:00:00:00:0${to}` })
    .ipv4({ source: `10.0.0.${from}`, destination: `192.0.2.${to}` })
    .udp()
    .payload(payload)
    .bytes()

const at = (time: bigint, bytes: Uint8Array, length = bytes.length): CapturedFrame => ({
  time: START + time,
  bytes,
  length,
})

function capture(frames: readonly CapturedFrame[], format: CaptureFormat = 'pcap'): Uint8Array {
  const pieces: Uint8Array[] = []
  const writer = new CaptureWriter({ format, name: 'eth0', sink: (bytes) => void pieces.push(bytes.slice()) })
  for (const one of frames) writer.write(one)
  writer.flush()
  return concat(...pieces)
}

function save(name: string, bytes: Uint8Array): string {
  const file = join(folder, name)
  writeFileSync(file, bytes)
  return file
}

function read(file: string): CapturedFrame[] {
  const reader = new CaptureReader(file)
  const frames = [...reader.push(new Uint8Array(readFileSync(file)))]
  reader.end()
  return frames
}

type Run = Omit<ReplayOptions, 'inputs'> & { readonly graph?: string; readonly hook?: 'tc ingress' | 'xdp' }

async function run(inputs: readonly (readonly [port: string, file: string])[], options: Run = {}): Promise<Replay> {
  const file = join(ROOT, 'examples', options.graph ?? 'bridge.yaml')
  using host = openVirtualHost({ at: options.hook ?? 'tc ingress' })
  const graph = await readGraph(file, readFileSync(file, 'utf8'), host.catalogue)
  const given = inputs.map(([port, file]) => ({ port: findWire(graph.graph, port), file }))
  return await replay(host, graph, { ...options, inputs: given })
}

const leaving = ({ ports }: Replay) => Object.fromEntries(ports.map(({ name, packets }) => [name, Number(packets)]))

describe.each(['tc ingress', 'xdp'] as const)('through a bridge at %s', (hook) => {
  test.each(['pcap', 'pcapng'] as const)('what left each port, when, as %s', async (format) => {
    const a = save('a.pcap', capture([at(0n, frame(1, 2)), at(2n * SECOND, frame(1, 2))]))
    const b = save('b.pcapng', capture([at(SECOND + 7n, frame(2, 1))], 'pcapng'))
    const out = join(folder, 'out', 'here')
    await run(
      [
        ['alice', a],
        ['switch:bob', b],
      ],
      { out, format, hook },
    )
    expect(readdirSync(out).sort()).toEqual(['alice', 'bob', 'carol'].map((port) => `${port}.${format}`))
    expect(read(join(out, `alice.${format}`))).toEqual([at(SECOND + 7n, frame(2, 1))])
    // The first one is flooded, as nobody knows where its station is; the second one is not.
    expect(read(join(out, `bob.${format}`))).toEqual([at(0n, frame(1, 2)), at(2n * SECOND, frame(1, 2))])
    expect(read(join(out, `carol.${format}`))).toEqual([at(0n, frame(1, 2))])
  })
})

test('the time of the capture is the time of the graph: a station is forgotten after 300 seconds', async () => {
  const b = save('b', capture([at(0n, frame(2, 1))]))
  const known = save('known', capture([at(300n * SECOND, frame(1, 2))]))
  const forgotten = save('forgotten', capture([at(301n * SECOND + 1n, frame(1, 2))]))
  const carol = async (file: string) =>
    leaving(
      await run([
        ['bob', b],
        ['alice', file],
      ]),
    ).carol
  expect(await carol(known)).toBe(1)
  expect(await carol(forgotten)).toBe(2)
})

test('frames of the same time come in the order of the files, each file in its own; time does not go back', async () => {
  const first = save('1', capture([at(5n, frame(1, 9, 'a')), at(1n, frame(1, 9, 'b'))]))
  const second = save('2', capture([at(5n, frame(2, 9, 'c')), at(7n, frame(2, 9, 'd'))]))
  const out = join(folder, 'out')
  const { inputs } = await run(
    [
      ['alice', first],
      ['bob', second],
      ['alice', second],
    ],
    { out },
  )
  const texts = read(join(out, 'carol.pcap')).map(({ bytes }) => String.fromCharCode(bytes.at(-1) ?? 0))
  expect(texts.join('')).toBe('abccdd')
  expect(inputs.map(({ late }) => late)).toEqual([1, 0, 0])
})

test('counters: by instance and port, drops by reason, totals', async () => {
  const from = packet().ethernet().ipv4({ source: '10.0.0.1' })
  const frames = [
    from.udp().bytes(),
    from.tcp({ destinationPort: 22 }).bytes(),
    from.tcp({ destinationPort: 23 }).bytes(),
    from.udp().bytes().subarray(0, 20),
    packet().ethernet().arp().bytes(),
  ]
  const file = save('in', capture(frames.map((one, index) => at(BigInt(index), one))))
  const replayed = await run([['inside', file]], { graph: 'firewall.yaml', out: folder })
  saveReport(folder, replayed)
  const report = JSON.parse(readFileSync(join(folder, 'counters.json'), 'utf8')) as object
  expect(report).toEqual(JSON.parse(toJson(replayed)))
  const all = {
    received: { packets: 5, bytes: 212 },
    dropped: { packets: 3, bytes: 116 },
    drops: { truncated: { packets: 1, bytes: 20 }, denied: { packets: 2, bytes: 96 } },
  }
  const none = { packets: 0, bytes: 0 }
  const accepted = { packets: 2, bytes: 96 }
  const outside = { received: none, sent: accepted, dropped: none, drops: {}, left: accepted }
  expect(report).toMatchObject({
    graph: 'border',
    hook: 'tc ingress',
    complete: true,
    capture: { first: '2023-11-14T22:13:20.000000000Z', last: '2023-11-14T22:13:20.000000004Z', seconds: 4e-9 },
    inputs: [{ port: 'inside', file, format: 'pcap', packets: 5, bytes: 212 }],
    totals: { ...all, replayed: { packets: 5, bytes: 212 }, sent: accepted, left: accepted, faults: 0, skipped: 0 },
    faults: [],
    instances: {
      firewall: {
        cube: 'firewall',
        ports: {
          inside: { to: 'tess-inside', ...all, sent: none, left: none, file: join(folder, 'inside.pcap') },
          outside: { to: 'tess-outside', ...outside, file: join(folder, 'outside.pcap') },
        },
      },
    },
  })
})

describe('captures that are not whole', () => {
  test('frames that the capture cut are replayed as they are, and stay cut', async () => {
    const file = save('in', capture([at(0n, frame(1, 2).subarray(0, 40), 1500), at(1n, frame(1, 2))]))
    const { inputs } = await run([['alice', file]], { out: folder })
    expect(inputs[0]).toMatchObject({ packets: 2n, truncated: 1, skipped: 0 })
    expect(read(join(folder, 'bob.pcap')).map(({ bytes, length }) => [bytes.length, length])).toEqual([
      [40, 1500],
      [frame(1, 2).length, frame(1, 2).length],
    ])
  })

  test('what no wire carries is skipped, and counted', async () => {
    const file = save('in', capture([at(0n, new Uint8Array(13)), at(1n, new Uint8Array(70_000)), at(2n, frame(1, 2))]))
    const { inputs } = await run([['alice', file]])
    expect(inputs[0]).toMatchObject({ packets: 1n, skipped: 2 })
  })

  test('what was before damage is there, and the file and the byte are named', async () => {
    const good = capture([at(0n, frame(1, 2)), at(1n, frame(1, 2))])
    const file = save('in.pcap', good.subarray(0, -1))
    const replayed = await run([['alice', file]], { out: folder })
    expect(replayed.incomplete?.message).toMatch(/in.pcap, byte 87: the file ends in the middle of this record/)
    expect(read(join(folder, 'bob.pcap'))).toEqual([at(0n, frame(1, 2))])
    expect(JSON.parse(toJson(replayed))).toMatchObject({ complete: false, error: replayed.incomplete?.message })
  })

  test('gzip is unpacked; where it is cut, all that it has is there', async () => {
    const frames = Array.from({ length: 5000 }, (_, index) => at(BigInt(index), frame(1, 2, `number ${index * 7919}`)))
    const packed = gzipSync(capture(frames))
    const whole = await run([['alice', save('whole.pcap.gz', packed)]])
    expect(whole.incomplete).toBeUndefined()
    expect(whole.inputs[0]?.packets).toBe(5000n)
    const cut = await run([['alice', save('cut.pcap.gz', packed.subarray(0, packed.length / 2))]])
    expect(cut.incomplete?.message).toMatch(/cut.pcap.gz, up to byte \d+: the gzip data is damaged/)
    expect(Number(cut.inputs[0]?.packets)).toBeGreaterThan(1000)
    const damaged = packed.map((byte, index) => (index === packed.length >> 1 ? byte ^ 0xff : byte))
    expect((await run([['alice', save('bad.pcap.gz', damaged)]])).incomplete).toBeDefined()
  })
})

describe('interrupted', () => {
  const frames = Array.from({ length: 20_000 }, (_, index) => at(BigInt(index), frame(1, 2, `number ${index}`)))

  test('what came before is counted and written', async () => {
    const file = save('in.pcap', capture(frames))
    const stop = new AbortController()
    const progress = ({ packets }: { readonly packets: number }) => void (packets > 0 && stop.abort())
    const replayed = await run([['alice', file]], { out: folder, progress, signal: stop.signal })
    const packets = Number(replayed.inputs[0]?.packets)
    expect(replayed.incomplete?.message).toMatch(/^interrupted/)
    expect(packets).toBeGreaterThan(0)
    expect(packets).toBeLessThan(20_000)
    expect(read(join(folder, 'bob.pcap'))).toHaveLength(packets)
  })

  test('the command says what it has done, and ends', async () => {
    const file = join(ROOT, 'examples/bridge.yaml')
    const words = [join(ROOT, 'bin/tessera.js'), 'run', file, '--in', 'alice=-', '--out', folder]
    const running = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'pipe'] })
    const [said, wrong] = [text(running.stdout), text(running.stderr)]
    // It may not be read to its end.
    running.stdin.on('error', () => undefined)
    running.stdin.write(capture(frames))
    // More than its header: some frames have been replayed.
    const written = () => statSync(join(folder, 'bob.pcap'), { throwIfNoEntry: false })?.size ?? 0
    await vi.waitUntil(() => written() > 24, { timeout: 60_000 })
    running.kill('SIGINT')
    const [code] = await once(running, 'exit')
    expect(code).toBe(130)
    expect(await wrong).toContain('interrupted')
    expect(await said).toMatch(/^replayed [\d,]+ frames/)
    expect(JSON.parse(readFileSync(join(folder, 'counters.json'), 'utf8'))).toMatchObject({ complete: false })
  })
})

test('a file that is read is not written over', async () => {
  const file = save('bob.pcap', capture([at(0n, frame(1, 2))]))
  await expect(run([['alice', file]], { out: folder })).rejects.toThrow(/bob.pcap would be written, and is read/)
  expect(read(file)).toHaveLength(1)
})

/** The command, in this process. */
async function tessera(...words: readonly string[]) {
  let [stdout, stderr] = ['', '']
  const log = vi.spyOn(console, 'log').mockImplementation((text) => {
    stdout += `${text}\n`
  })
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += text
    return true
  })
  try {
    return { code: await main(['run', ...words]), stdout, stderr }
  } finally {
    log.mockRestore()
    write.mockRestore()
  }
}

const HUB = join(ROOT, 'examples/hub.yaml')

describe('tessera run', () => {
  test('prints a summary, or JSON, and nothing of its progress where there is no terminal', async () => {
    const file = save('in.pcap', capture([at(0n, frame(1, 2)), at(1n, frame(1, 2))]))
    const words = [join(ROOT, 'bin/tessera.js'), 'run', HUB, '--in', `left=${file}`, '--out', folder]
    const text = spawnSync(process.execPath, words, { encoding: 'utf8' })
    expect(text).toMatchObject({ status: 0, stderr: '' })
    expect(text.stdout).toMatch(/replayed 2 frames/)
    expect(existsSync(join(folder, 'right.pcap'))).toBe(true)
    const json = await tessera(HUB, '--in', `tess-left=${file}`, '--json')
    expect(json).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(json.stdout)).toMatchObject({ graph: 'lab', totals: { left: { packets: 2 } } })
  })

  test('ports of the same name have files with the names of their instances', async () => {
    const port = (name: string) => ({
      cube: 'bridge',
      ports: { up: { interface: `${name}0` }, down: { interface: `${name}1` } },
    })
    const graph = save(
      'two.yaml',
      new TextEncoder().encode(JSON.stringify({ graph: 'two', instances: { a: port('a'), b: port('b') } })),
    )
    const file = save('in.pcap', capture([at(0n, frame(1, 2))]))
    const out = join(folder, 'out')
    expect(await tessera(graph, '--in', `b:up=${file}`, '--out', out)).toMatchObject({ code: 0, stderr: '' })
    expect(readdirSync(out).sort()).toEqual(['a.down.pcap', 'a.up.pcap', 'b.down.pcap', 'b.up.pcap', 'counters.json'])
    expect([read(join(out, 'a.down.pcap')).length, read(join(out, 'b.down.pcap')).length]).toEqual([0, 1])
    const several = await tessera(graph, '--in', `up=${file}`)
    expect(several).toMatchObject({ code: 1, stderr: expect.stringContaining('say which: a.up, b.up') as string })
  })

  test.each<[string, readonly string[], number, RegExp]>([
    ['nothing to replay', [], 2, /--in port=file.*\n.*it has left \(interface tess-left\), right/],
    ['no port', ['--in', 'file'], 2, /write port=file/],
    ['an unknown port', ['--in', 'lift=x'], 1, /no port lift\n.*did you mean left\?/],
    ['no file', ['--in', 'left=/no/such/file'], 1, /there is no file \/no\/such\/file/],
    ['a folder', ['--in', 'left=/tmp'], 1, /\/tmp is a folder/],
    ['standard input twice', ['--in', 'left=-', '--in', 'right=-'], 1, /standard input can be read only once/],
    [
      'no place to write',
      ['--in', `left=${join(ROOT, 'examples/inside.pcap')}`, '--out', '/proc/x/y'],
      1,
      /cannot write to \/proc\/x/,
    ],
    ['no capture', ['--in', `left=${join(ROOT, 'README.md')}`], 1, /README.md, byte 0: neither pcap nor pcapng/],
  ])('%s', async (_, words, code, message) => {
    const ended = await tessera(HUB, ...words)
    expect(ended).toMatchObject({ code, stdout: '' })
    expect(ended.stderr).toMatch(message)
  })

  test('a damaged file: what was before it is reported, and the exit code is 1', async () => {
    const file = save('in.pcap', concat(capture([at(0n, frame(1, 2))]), new Uint8Array(20).fill(0xff)))
    const ended = await tessera(HUB, '--in', `left=${file}`, '--out', folder)
    expect(ended.code).toBe(1)
    expect(ended.stdout).toMatch(/replayed 1 frame,/)
    expect(ended.stderr).toMatch(/in.pcap, byte \d+: this record says/)
    expect(read(join(folder, 'right.pcap'))).toHaveLength(1)
  })
})

test('memory does not grow with the file', () => {
  const script = `
    const { main } = await import('${ROOT}/src/cli/main.ts')
    process.exitCode = await main(process.argv.slice(1))
    console.error(process.resourceUsage().maxRSS)`
  const peak = (name: string, count: number) => {
    const file = join(folder, name)
    const descriptor = openSync(file, 'w')
    const sink = (bytes: Uint8Array) => void writeSync(descriptor, bytes)
    const writer = new CaptureWriter({ format: 'pcap', name: 'eth0', sink })
    const long = concat(frame(1, 2), new Uint8Array(8000))
    for (let index = 0; index < count; index++) writer.write(at(BigInt(index), long))
    writer.flush()
    const words = ['run', 'examples/hub.yaml', '--in', `left=${file}`, '--out', folder]
    const ended = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', script, '--', ...words],
      {
        cwd: ROOT,
        encoding: 'utf8',
      },
    )
    expect(ended.stdout).toContain(`replayed ${count.toLocaleString('en-US')} frames`)
    return Number(ended.stderr) / 1024
  }
  const [small, large] = [peak('small', 100), peak('large', 20_000)]
  expect(large - small, 'MiB more for 153 MiB of frames').toBeLessThan(80)
})
