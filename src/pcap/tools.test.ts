/** What the tools of this field write is read here, and what is written here is read by them. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { concat, toHex } from '../base/bytes.ts'
import { AnnotatedWriter } from './annotated.ts'
import { readAll } from './fixtures.ts'
import type { CapturedFrame } from './frame.ts'
import { type CaptureFormat, CaptureWriter } from './write.ts'

const missing = ['tcpdump', 'editcap', 'mergecap', 'capinfos', 'tshark'].filter(
  (tool) => spawnSync(tool, ['--version']).error !== undefined,
)
const note = missing.length === 0 ? '' : ` (not installed: ${missing.join(', ')})`

const MICROSECOND = 1000n
/** ARP, of odd lengths, one of them cut. Times that microseconds can tell. */
const FRAMES: readonly CapturedFrame[] = Array.from({ length: 20 }, (_, index) => {
  const bytes = new Uint8Array(60 + index).fill(index)
  bytes.set([0x08, 0x06], 12)
  const length = index === 7 ? 1514 : bytes.length
  return { time: 1_700_000_000_000_000_000n + BigInt(index) * 123_457n * MICROSECOND, bytes, length }
})

function write(format: CaptureFormat): Uint8Array {
  const pieces: Uint8Array[] = []
  const writer = new CaptureWriter({ format, name: 'eth0', sink: (bytes) => void pieces.push(bytes.slice()) })
  for (const frame of FRAMES) writer.write(frame)
  writer.flush()
  return concat(...pieces)
}

describe.skipIf(missing.length > 0)(`the tools of this field${note}`, () => {
  let folder = ''
  const path = (name: string) => join(folder, name)
  const run = (command: string, ...words: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(command, words, { encoding: 'utf8' })
    expect(status, stderr).toBe(0)
    return stdout
  }
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tessera-pcap-'))
    for (const format of ['pcap', 'pcapng'] as const) writeFileSync(path(`ours.${format}`), write(format))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test.each(['pcap', 'pcapng'])('tcpdump reads our %s: times, lengths, bytes', (format) => {
    const text = run('tcpdump', '-nn', '-tt', '-e', '-xx', '--time-stamp-precision=nano', '-r', path(`ours.${format}`))
    const shown = text.split(/^(?=\d)/m).map((one) => ({
      time: BigInt((/^\d+\.\d{9}/.exec(one)?.[0] ?? '').replace('.', '')),
      length: Number(/length (\d+)/.exec(one)?.[1]),
      bytes: [...one.matchAll(/^\t0x[0-9a-f]+: {2}(.*)$/gm)].map((line) => line[1]?.replaceAll(' ', '')).join(''),
    }))
    expect(shown).toEqual(FRAMES.map(({ time, length, bytes }) => ({ time, length, bytes: toHex(bytes) })))
  })

  test.each(['pcap', 'pcapng'])('capinfos finds nothing wrong with our %s', (format) => {
    const text = run('capinfos', '-c', '-E', '-a', '-e', path(`ours.${format}`))
    expect(text).toMatch(/Number of packets: +20/)
    expect(text).toMatch(/encapsulation: +Ethernet/)
  })

  test.each(['pcap', 'nsecpcap', 'pcapng'])('we read what editcap writes as %s', (format) => {
    run('editcap', '-F', format, path('ours.pcap'), path(`theirs.${format}`))
    expect(readAll(new Uint8Array(readFileSync(path(`theirs.${format}`))), 1000)).toEqual(FRAMES)
  })

  test('we read what mergecap writes of two interfaces', () => {
    run('mergecap', '-F', 'pcapng', '-a', '-w', path('merged.pcapng'), path('ours.pcapng'), path('ours.pcap'))
    expect(readAll(new Uint8Array(readFileSync(path('merged.pcapng'))))).toEqual([...FRAMES, ...FRAMES])
  })

  test('tshark shows what is said about frames, and where they were', () => {
    const pieces: Uint8Array[] = []
    const writer = new AnnotatedWriter({ application: 'us', sink: (bytes) => void pieces.push(bytes) })
    writer.describe('alice', 'a port')
    const [first, second, third] = FRAMES as [CapturedFrame, CapturedFrame, CapturedFrame]
    writer.write(first, 'alice', { comment: 'it came', direction: 'in' })
    writer.write(second, 'bob', { comment: 'dropped: nobody knows why', direction: 'out' })
    writer.write(third, 'alice')
    writer.count('alice', third.time, 5n, 3n)
    writeFileSync(path('annotated.pcapng'), concat(...pieces))
    const fields = ['frame.interface_name', 'frame.packet_flags_direction', 'frame.comment', 'frame.len']
    const text = run('tshark', '-r', path('annotated.pcapng'), '-T', 'fields', ...fields.flatMap((one) => ['-e', one]))
    expect(text.trimEnd().split('\n')).toEqual([
      'alice\t0x00000001\tit came\t60',
      'bob\t0x00000002\tdropped: nobody knows why\t61',
      'alice\t\t\t62',
    ])
    expect(readAll(concat(...pieces))).toEqual([first, second, third])
    const info = run('capinfos', '-A', path('annotated.pcapng'))
    expect(info).toMatch(/Capture application: +us/)
    expect(info).toMatch(/Number of stat entries = 1/)
  })
})
