/** Object files, in the hands of the tools that others have: bpftool and tc, which load with libbpf. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { exit, mov } from '../../src/backend/assemble.ts'
import { interfaceIndex } from '../../src/daemon/host.ts'
import { elfObject } from '../../src/isa/elf.ts'
import { XDP_ACTION } from '../../src/isa/opcodes.ts'
import type { Program } from '../../src/isa/program.ts'
import { mount, umount } from '../../src/kernel/ffi.ts'
import { scratch } from '../../src/kernel/fixtures.ts'
import { inNamespace } from '../../src/kernel/namespace.ts'
import { packet } from '../../src/testing/index.ts'
import { farProgram } from '../far.ts'
import { type Ended, isThere, run, tessera, whyNot } from './host.ts'
import { useHosts } from './hosts.ts'

const NS = scratch('elf')
const HOSTS = ['a', 'b'].map((name, index) => ({ ns: `${NS}-${name}`, port: `p-${name}`, number: index + 1 }))

const reason = whyNot('bpftool', 'tc', 'ip', 'ping')

describe.skipIf(reason !== undefined)(`an object file${reason === undefined ? '' : ` (${reason})`}`, () => {
  useHosts(NS, HOSTS, '10.79.0')
  let folder: string
  let hub: string
  /** A BPF file system of the test's own: pins of bpftool, and of tc, go here. */
  let pins: string

  const done = (ended: Ended): string => {
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    return ended.stdout
  }
  const bpftool = (...words: readonly string[]): string => done(run('bpftool', ...words))
  const json = (...words: readonly string[]): Record<string, unknown> => JSON.parse(bpftool('--json', ...words))
  const inside = (command: string, ...words: readonly string[]): Ended =>
    inNamespace(NS, () => run('env', `TC_BPF_MNT=${pins}`, command, ...words))

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tessera-'))
    hub = join(folder, 'hub.o')
    pins = join(folder, 'pins')
    const ports = HOSTS.flatMap(({ port }) => ['-i', port])
    inNamespace(NS, () => done(tessera('compile', 'examples/hub', ...ports, '-o', hub)))
    mkdirSync(pins)
  })

  beforeEach(() => {
    expect(mount('bpf', pins, 'bpf', 0)).toBe(0)
  })
  afterEach(() => {
    expect(umount(pins, 0)).toBe(0)
  })

  afterAll(() => {
    rmSync(folder, { recursive: true })
  })

  describe.each(['readelf', 'llvm-readelf'])('%s', (tool) => {
    test.skipIf(!isThere(tool))('reads all of it', () => {
      const text = done(run(tool, '--all', '--wide', hub))
      expect(text).toMatch(/Machine:\s+(Linux BPF|EM_BPF)/)
      expect(text).toMatch(/FUNC\s+GLOBAL\s+DEFAULT\s+\d+ hub_p0/)
      expect(text).toMatch(/R_BPF_\w*64\w*\s.*talkers/)
    })
  })

  test('bpftool gen skeleton and gen object take it', () => {
    const linked = join(folder, 'linked.o')
    bpftool('gen', 'object', linked, hub)
    for (const object of [hub, linked]) {
      const skeleton = bpftool('gen', 'skeleton', object)
      expect(skeleton).toContain('struct bpf_program *hub_p1;')
      expect(skeleton).toContain('struct bpf_map *talkers;')
    }
    bpftool('prog', 'loadall', linked, join(pins, 'linked'))
    expect(json('prog', 'show', 'pinned', join(pins, 'linked/hub_p1'))).toMatchObject({ type: 'sched_cls' })
  })

  test('bpftool prog load knows the type by the section', () => {
    bpftool('prog', 'load', hub, join(pins, 'one'))
    expect(json('prog', 'show', 'pinned', join(pins, 'one'))).toMatchObject({
      type: 'sched_cls',
      name: 'hub_p0',
      gpl_compatible: true,
    })
  })

  test('bpftool shows the TypeScript lines', () => {
    bpftool('prog', 'load', hub, join(pins, 'one'))
    const dump = bpftool('prog', 'dump', 'xlated', 'pinned', join(pins, 'one'), 'linum')
    expect(dump).toContain('hub_p0(struct __sk_buff * ctx)')
    expect(dump).toMatch(
      /; const ethernet = packet\.read\(Ethernet\) \[file:examples\/hub\/dataplane\.ts line_num:\d+ line_col:\d+\]/,
    )
  })

  test('of a program that is longer than a jump is taken, with its lines', () => {
    const file = join(folder, 'far.o')
    writeFileSync(file, elfObject([farProgram('far')]))
    bpftool('prog', 'load', file, join(pins, 'far'))
    const dump = bpftool('prog', 'dump', 'xlated', 'pinned', join(pins, 'far'), 'linum')
    for (const line of ['one [file:far.ts line_num:1 line_col:1]', 'two [file:far.ts line_num:2 line_col:1]'])
      expect(dump).toContain(`; ${line}`)
  })

  test('bpftool prog loadall: the programs share their maps, which are as described', () => {
    bpftool('prog', 'loadall', hub, join(pins, 'hub'), 'pinmaps', join(pins, 'maps'))
    const [first, second] = ['hub_p0', 'hub_p1'].map((name) => json('prog', 'show', 'pinned', join(pins, 'hub', name)))
    expect(first).toMatchObject({ name: 'hub_p0' })
    expect(second).toMatchObject({ name: 'hub_p1', map_ids: first?.map_ids })
    const talkers = json('map', 'show', 'pinned', join(pins, 'maps/talkers'))
    expect(talkers).toMatchObject({ type: 'lru_hash', bytes_key: 6, bytes_value: 8, max_entries: 1024 })
    const key = ['hex', '02', '00', '00', '00', '00', '01']
    const value = ['hex', '05', '00', '00', '00', '00', '00', '00', '00']
    bpftool('map', 'update', 'pinned', join(pins, 'maps/talkers'), 'key', ...key, 'value', ...value)
    const [entry] = JSON.parse(bpftool('--json', 'map', 'dump', 'pinned', join(pins, 'maps/talkers')))
    expect(entry.formatted).toEqual({ key: { address: [2, 0, 0, 0, 0, 1] }, value: { seen: 5 } })
  })

  test('a table of prefixes says that it allocates as it goes, and dumps with its length', () => {
    const routes = join(folder, 'routes.o')
    done(tessera('compile', 'test/cubes/routes', '-o', routes))
    bpftool('prog', 'loadall', routes, join(pins, 'routes'), 'pinmaps', join(pins, 'maps'))
    const table = join(pins, 'maps/ipv4')
    expect(json('map', 'show', 'pinned', table)).toMatchObject({ type: 'lpm_trie', flags: 1, bytes_key: 12 })
    const key = ['hex', '08', '00', '00', '00', '0a', ...Array<string>(7).fill('00')]
    bpftool('map', 'update', 'pinned', table, 'key', ...key, 'value', 'hex', '05', ...Array<string>(15).fill('00'))
    const [entry] = JSON.parse(bpftool('--json', 'map', 'dump', 'pinned', table))
    expect(entry.formatted).toEqual({
      key: { length: 8, destination: [10, 0, 0, 0] },
      value: { port: 5, packets: 0 },
    })
  })

  test('lists, records in them, cells and rings: bpftool names every field of what a program has written', () => {
    const file = join(folder, 'ledger.o')
    done(tessera('compile', 'test/cubes/ledger', '-o', file))
    bpftool('prog', 'loadall', file, join(pins, 'ledger'), 'pinmaps', join(pins, 'maps'))
    const frame = join(folder, 'frame.bin')
    writeFileSync(frame, packet().ethernet().payload(50).bytes())
    bpftool('prog', 'run', 'pinned', join(pins, 'ledger/ledger_p0'), 'data_in', frame)
    const formatted = (map: string): unknown =>
      JSON.parse(bpftool('--json', 'map', 'dump', 'pinned', join(pins, 'maps', map)))[0].formatted
    const [source, destination] = [1, 2].map((last) => [2, 0, 0, 0, 0, last])
    expect(formatted('books')).toEqual({
      key: { owner: source, marks: [5, 6] },
      value: {
        lengths: [1, 64, 3],
        entries: [
          { peer: destination, amount: 64 },
          { peer: source, amount: 7 },
        ],
        total: 9,
      },
    })
    expect(formatted('_data_gauge')).toEqual({ value: { '.data.gauge': [{ gauge: { packets: 1, last: 64 } }] } })
    expect(json('map', 'show', 'pinned', join(pins, 'maps/events'))).toMatchObject({
      type: 'ringbuf',
      max_entries: 4096,
    })
  })

  test('a swappable table is there with a map in it, and follows when another one takes its place', () => {
    const file = join(folder, 'policy.o')
    done(tessera('compile', 'test/cubes/policy', '-o', file))
    const map = (name: string) => join(pins, 'maps', name)
    bpftool('prog', 'loadall', file, join(pins, 'policy'), 'pinmaps', join(pins, 'maps'))
    expect(json('map', 'show', 'pinned', map('senders'))).toMatchObject({ type: 'array_of_maps', max_entries: 1 })
    expect(json('map', 'show', 'pinned', map('networks_entries'))).toMatchObject({ type: 'lpm_trie', flags: 1 })
    const other = map('other')
    bpftool('map', 'create', other, 'type', 'hash', 'key', '6', 'value', '16', 'entries', '4', 'name', 'other')
    const key = ['key', 'hex', '02', '00', '00', '00', '00', '01']
    const allowed = ['value', 'hex', '01', ...Array<string>(15).fill('00')]
    for (const table of [map('senders_entries'), other]) bpftool('map', 'update', 'pinned', table, ...key, ...allowed)
    const frame = join(folder, 'policy.bin')
    writeFileSync(frame, packet().ethernet({ source: '02:00:00:00:00:01' }).ipv4().udp().bytes())
    const run = () => bpftool('prog', 'run', 'pinned', join(pins, 'policy/policy_p0'), 'data_in', frame)
    const packets = (table: string): unknown =>
      (json('map', 'lookup', 'pinned', table, ...key).value as readonly string[] | undefined)?.[8]
    run()
    expect([map('senders_entries'), other].map(packets)).toEqual(['0x01', '0x00'])
    bpftool('map', 'update', 'pinned', map('senders'), 'key', 'hex', '0', '0', '0', '0', 'value', 'pinned', other)
    run()
    run()
    expect([map('senders_entries'), other].map(packets)).toEqual(['0x01', '0x02'])
    bpftool('gen', 'object', join(folder, 'policy-linked.o'), file)
    expect(bpftool('gen', 'skeleton', join(folder, 'policy-linked.o'))).toContain('struct bpf_map *senders_entries;')
  })

  test('functions that are called come along, with their names and lines; tc loads them, too', () => {
    const calls = join(folder, 'calls.o')
    done(tessera('compile', 'test/cubes/calls', '-o', calls))
    bpftool('prog', 'loadall', calls, join(pins, 'calls'))
    const dump = bpftool('prog', 'dump', 'xlated', 'pinned', join(pins, 'calls/calls_p1'), 'linum')
    expect(dump).toMatch(/call pc\+\d+#bpf_prog_[0-9a-f]+_calls_p1_visit/)
    expect(dump).toMatch(/u64 calls_p1_visit\(struct __sk_buff \* ctx, u64 \w+, u32 \w+\)/)
    expect(dump).toContain('; station.frames += kind [file:test/cubes/calls/dataplane.ts')
    const { port } = HOSTS[0]!
    done(inside('tc', 'qdisc', 'add', 'dev', port, 'clsact'))
    done(inside('tc', 'filter', 'add', 'dev', port, 'ingress', 'bpf', 'da', 'obj', calls, 'sec', 'tc'))
    expect(done(inside('tc', 'filter', 'show', 'dev', port, 'ingress'))).toMatch(/calls\.o:\[tc\].* name calls_p\d/)
    done(inside('tc', 'qdisc', 'del', 'dev', port, 'clsact'))
  })

  test('tc attaches what bpftool loaded, and pings pass through it', () => {
    bpftool('prog', 'loadall', hub, join(pins, 'hub'), 'pinmaps', join(pins, 'maps'))
    for (const [index, { port }] of HOSTS.entries()) {
      done(inside('tc', 'qdisc', 'add', 'dev', port, 'clsact'))
      const pinned = ['object-pinned', join(pins, `hub/hub_p${index}`)]
      done(inside('tc', 'filter', 'add', 'dev', port, 'ingress', 'bpf', 'da', ...pinned))
    }
    const ping = inNamespace(HOSTS[0]!.ns, () => run('ping', '-c', '2', '-i', '0.2', '-W', '10', '10.79.0.2'))
    expect(ping.stdout).toContain(' 0% packet loss')
    const entries = JSON.parse(bpftool('--json', 'map', 'dump', 'pinned', join(pins, 'maps/talkers')))
    expect(entries).toHaveLength(2)
    for (const { port } of HOSTS) done(inside('tc', 'qdisc', 'del', 'dev', port, 'clsact'))
  })

  test('tc loads it by its section', () => {
    const { port } = HOSTS[0]!
    done(inside('tc', 'qdisc', 'add', 'dev', port, 'clsact'))
    done(inside('tc', 'filter', 'add', 'dev', port, 'ingress', 'bpf', 'da', 'obj', hub, 'sec', 'tc'))
    expect(done(inside('tc', 'filter', 'show', 'dev', port, 'ingress'))).toMatch(/hub\.o:\[tc\].* name hub_p\d/)
    done(inside('tc', 'qdisc', 'del', 'dev', port, 'clsact'))
  })

  test('a cube for XDP: its exits are set with bpftool, ip attaches it, and pings pass through it', () => {
    const file = join(folder, 'hub-xdp.o')
    const ports = HOSTS.flatMap(({ port }) => ['-i', port])
    const said = done(inNamespace(NS, () => tessera('compile', 'examples/hub', '--hook', 'xdp', ...ports, '-o', file)))
    expect(said).toContain('then: set exits')
    bpftool('prog', 'loadall', file, join(pins, 'xdp'), 'pinmaps', join(pins, 'xdp-maps'))
    const exits = join(pins, 'xdp-maps/exits')
    const bytes = (word: number) => [...new Uint8Array(Uint32Array.of(word).buffer)].map(String)
    for (const [index, { port }] of HOSTS.entries()) {
      const ifindex = inNamespace(NS, () => interfaceIndex(port)) ?? 0
      done(inside('bpftool', 'map', 'update', 'pinned', exits, 'key', ...bytes(index), 'value', ...bytes(ifindex)))
      done(inside('ip', 'link', 'set', 'dev', port, 'xdpgeneric', 'pinned', join(pins, `xdp/hub_p${index}`)))
    }
    const ping = inNamespace(HOSTS[0]!.ns, () => run('ping', '-c', '2', '-i', '0.2', '-W', '10', '10.79.0.2'))
    expect(ping.stdout).toContain(' 0% packet loss')
    for (const { port } of HOSTS) done(inside('ip', 'link', 'set', 'dev', port, 'xdpgeneric', 'off'))
  })

  test('a program for XDP, without maps; ip attaches it', () => {
    const pass: Program = {
      name: 'pass',
      hook: 'xdp',
      instructions: [mov('r0', XDP_ACTION.pass), exit].map((instruction) => ({ ...instruction, line: 0 })),
      maps: {},
      lines: [{ file: 'pass.ts', line: 1, column: 1, text: 'return pass()' }],
      stack: 0,
    }
    const file = join(folder, 'pass.o')
    writeFileSync(file, elfObject([pass]))
    const { port } = HOSTS[0]!
    done(inside('ip', 'link', 'set', 'dev', port, 'xdpgeneric', 'obj', file, 'sec', 'xdp'))
    expect(done(inside('ip', 'link', 'show', 'dev', port))).toMatch(/prog\/xdp id \d+/)
    done(inside('ip', 'link', 'set', 'dev', port, 'xdpgeneric', 'off'))
  })
})
