/** The command against a daemon's API, over a machine of its own: as somebody would use it, in this process. */

import { once } from 'node:events'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { furnish } from '../daemon/cubes/staging.ts'
import { type Host, openVirtualHost } from '../daemon/host.ts'
import { type ServedApi, serveApi } from '../testing/api.ts'
import { packet } from '../testing/packet.ts'
import type { VirtualMachine } from '../vm/machine.ts'
import { onlySource } from './documents.ts'
import { useCommand } from './fixtures.ts'
import { KINDS } from './kinds.ts'

const { folder, tessera, file } = useCommand()
const SHELF = join(import.meta.dirname, '../testing/cubes/shelf')
const STAMP = join(import.meta.dirname, '../testing/cubes/stamp')
const TAP = join(import.meta.dirname, '../testing/cubes/tap')

let host: Host<VirtualMachine>
let served: ServedApi

beforeAll(async () => {
  host = openVirtualHost()
  const interfaces = ['eth0', 'eth1', 'eth2', 'eth3', 'eth0.5'].map((name, index) => {
    const mac = `02:01:00:00:00:0${index}`
    host.machine.addInterface(name, { mac })
    return { name, index: index + 1, mac, mtu: 1500, up: true }
  })
  served = await serveApi(host, { parts: { network: { interfaces: () => interfaces, namespaces: () => ['blue'] } } })
})

afterAll(async () => {
  await served[Symbol.asyncDispose]()
  host[Symbol.dispose]()
})

beforeEach(() => void vi.stubEnv('TESSERA_SOCKET', served.socket))

/** The words of each line of a table. */
const cells = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/))

const OFFICE = `graph: office
instances:
  switch:
    cube: bridge
    ports:
      alice: { interface: eth0 }
      bob: { interface: eth1 }
`

describe('a graph', () => {
  test('is compared, applied, listed, described', async () => {
    const office = file('office.yaml', OFFICE)
    const before = await tessera('diff', office)
    expect([before.code, before.stdout]).toEqual([3, expect.stringContaining('graph office:\n  it is new')])
    const applied = await tessera('apply', '-f', office)
    expect(applied.stdout).toContain('+ program  office/switch/links/alice on eth0')
    expect(applied.stdout).toContain('graph office is new, and runs')
    expect(await tessera('diff', office)).toMatchObject({ code: 0, stdout: 'graph office is as it is wanted\n' })
    expect((await tessera('apply', office)).stdout).toContain('nothing to change')

    expect(cells((await tessera('get')).stdout)).toEqual([
      ['NAME', 'STATE', 'INSTANCES', 'PORTS', 'REVISION'],
      ['office', 'running', '1', '2', expect.stringMatching(/^\d+$/)],
    ])
    // Each list is as wide as it can be, whatever of it is not there.
    for (const kind of Object.keys(KINDS))
      expect(await tessera('get', kind, '-o', 'wide'), kind).toMatchObject({ code: 0 })
    expect(cells((await tessera('get', 'instances', '-o', 'wide')).stdout)[1]?.at(-1)).toBe('-')
    expect(cells((await tessera('get', 'ports', 'office/switch')).stdout)[2]).toEqual([
      'office',
      'switch.bob',
      'eth1',
      'up',
      '0',
      '0',
      '0',
    ])
    expect((await tessera('describe', 'office')).stdout).toMatch(/state: +running[\s\S]*bob +eth1 +up/)
    expect((await tessera('describe', 'switch')).stdout).toMatch(/stations +lru_hash +0 +65536 +no/)
    expect((await tessera('show', 'office')).stdout).toMatch(/graph office, by tc ingress, revision \d+/)
  })

  test('as yaml is what apply takes; json is data; a template takes fields', async () => {
    const { stdout } = await tessera('get', 'graph', 'office', '-o', 'yaml')
    expect(await tessera('diff', file('again.yaml', stdout))).toMatchObject({ code: 0 })
    expect(JSON.parse((await tessera('get', '-o', 'json')).stdout)).toMatchObject([{ name: 'office', ports: 2 }])
    expect((await tessera('get', 'ports', '-o', 'template={instance}.{name} {received.packets}')).stdout).toBe(
      'switch.alice 0\nswitch.bob 0\n',
    )
  })

  test('runs where its file says, or where the command does', async () => {
    const at = async () => /attached by: +(.*)/.exec((await tessera('describe', 'office')).stdout)?.[1]
    const office = join(folder, 'office.yaml')
    const xdp = file('xdp.yaml', `attach: xdp native\n${OFFICE}`)
    expect((await tessera('diff', xdp)).stdout).toContain('+ attach: xdp native')
    expect((await tessera('apply', xdp)).stdout).toContain('+ program  office/switch/xdp/alice on eth0 (xdp native')
    expect(await at()).toBe('xdp native')
    await tessera('apply', office, '--attach', 'egress')
    expect(await at()).toBe('tc egress')
    expect((await tessera('apply', office, '--attach', 'clsact')).stderr).toContain('for the daemon to choose')
    await tessera('apply', office)
    expect(await at()).toBe('tc ingress')
  })

  test.each([
    [['--source', '10.0.0'], '"10.0.0"'],
    [['--filter', 'tcp', '--port', '80'], 'a filter is said in words or in fields, and here are both'],
  ])('is not traced with %s', async (words, says) => {
    expect((await tessera('trace', 'office', ...words)).stderr).toContain(says)
  })

  test.each([
    ['lerning.yaml', OFFICE.replace('alice: {', 'alice: { lerning: no,'), ':6:25: "lerning" is not known here'],
    ['eth9.yaml', OFFICE.replace('eth1', 'eth9'), 'eth9.yaml:7:25: there is no interface eth9'],
    ['brigde.yaml', OFFICE.replace('bridge', 'brigde'), 'brigde.yaml:4:11: there is no cube "brigde"'],
    ['other.yaml', OFFICE.replace('office', 'other'), 'other.yaml:6:27: the interface eth0 belongs to graph office'],
  ])('a mistake in %s is told with its line', async (name, text, says) => {
    const { code, stderr } = await tessera('apply', file(name, text))
    expect(stderr).toContain(says)
    expect(code).toBe(1)
  })

  test('a mistake in a data plane is told with its line', async () => {
    const cube = join(folder, 'wrong')
    cpSync(SHELF, cube, { recursive: true })
    furnish(folder)
    const dataplane = join(cube, 'dataplane.ts')
    writeFileSync(dataplane, readFileSync(dataplane, 'utf8').replace("drop('kept')", '{\n  return nothing\n}'))
    const { code, stderr } = await tessera('apply', file('wrong.yaml', OFFICE.replace('bridge', cube)))
    expect(stderr).toMatch(/wrong\/dataplane\.ts:5:10: `nothing`.*\n {2}5 \| {3}return nothing\n +\| +\^{7}\n/)
    expect(code).toBe(1)
  })

  test('a field is set, and taken away', async () => {
    const set = await tessera('set', 'office/switch', 'config.agingTime=60', 'ports.bob.learning=false')
    expect(set.stdout).toContain('office/switch: config.agingTime is 60, was ')
    expect(await tessera('diff', join(folder, 'office.yaml'))).toMatchObject({ code: 3 })
    expect((await tessera('set', 'bridge', 'switch', 'config.agingTime=')).stdout).toContain(', was 60')
    const dry = await tessera('set', 'switch', 'config.agingTime=9', '--dry-run')
    expect(dry.stdout).toContain('config.agingTime would be 9')
    expect((await tessera('set', 'switch', 'config.agingTime=x')).stderr).toMatch(
      /^instances\.switch\.config\.agingTime: /,
    )
    const whole = await tessera('set', 'office', 'attach=xdp', '--dry-run')
    expect(whole.stdout).toContain('office: attach would be xdp, was not set')
    expect((await tessera('set', 'office', 'attach=tc', '--dry-run')).stderr).toMatch(/^attach: /)
    expect(await tessera('set', 'office', 'attach=xdp', 'config.agingTime=5')).toMatchObject({ code: 2 })
    expect((await tessera('set', 'swich', 'config.agingTime=5')).stderr).toContain('did you mean "switch"?')
  })

  test('is connected and disconnected, and transparent cubes are attached', async () => {
    expect((await tessera('disconnect', 'office', 'switch.bob')).stdout).toContain('switch.bob leads nowhere')
    expect((await tessera('connect', 'office', 'switch.bob', 'eth2')).stdout).toContain('switch.bob leads to eth2')
    expect(cells((await tessera('get', 'links')).stdout)).toContainEqual(['office', 'switch.bob', 'eth2'])
    await tessera('attach', 'office', 'guard', 'switch.bob', '--cube', TAP)
    expect(cells((await tessera('get', 'attachments')).stdout)[1]).toEqual(['office', 'guard', 'switch.bob', '0'])
    expect((await tessera('detach', 'office', 'guard')).code).toBe(0)
    expect((await tessera('get', 'attachments')).stderr).toContain('no transparent cube is attached')
  })

  test('is read from a folder and from TypeScript', async () => {
    const one = (name: string, on: string) =>
      `{ graph: '${name}', instances: { s: { cube: ${JSON.stringify(SHELF)}, ports: { a: { interface: '${on}' } } } } }`
    const path = file('shelf.ts', `export default [${one('shelf', 'eth3')}]\n`)
    expect(await tessera('apply', path)).toMatchObject({ code: 0 })
    expect((await tessera('get', 'instances', 'shelf')).stdout).toContain(SHELF)
  })

  test('is deleted by its name or its file', async () => {
    expect((await tessera('delete', '-f', join(folder, 'office.yaml'))).stdout).toContain('graph office is gone')
    expect((await tessera('delete', 'office')).code).toBe(1)
    expect((await tessera('get', 'graphs', 'ofice')).stderr).toContain('there is no graph ofice')
  })
})

describe('state', () => {
  test('is listed, set, read, deleted and flushed by typed keys', async () => {
    const listed = cells((await tessera('state', 'list', 'shelf/s')).stdout)
    expect(listed[0]).toEqual(['GRAPH', 'INSTANCE', 'TABLE', 'KIND', 'USED', 'ROOM', 'WRITABLE'])
    const writable = listed.find((row) => row.at(-1) === 'yes')?.[2] ?? ''
    expect(writable).not.toBe('')
    const unknown = await tessera('state', 'get', 's', `${writable}x`)
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining(writable)])
    expect((await tessera('state', 'flush', 's', writable)).stdout).toContain(`${writable} is empty`)
  })
})

describe('what happens', () => {
  beforeAll(async () => {
    await served.client.putGraph({ graph: 'office', body: JSON.parse(JSON.stringify(parse(OFFICE))) })
  })

  const frame = packet().ethernet({ source: '02:00:00:00:00:01' }).ipv4().udp().bytes()

  /** Frames arrive all the time, until something is done. */
  async function meanwhile<T>(doing: Promise<T>): Promise<T> {
    const arriving = setInterval(() => host.machine.receive('eth0', frame), 20)
    return doing.finally(() => clearInterval(arriving))
  }

  /** The graph changes again and again, until something is done. */
  async function changing<T>(doing: Promise<T>): Promise<T> {
    const ended = doing.then(
      () => true,
      () => true,
    )
    for (let agingTime = 7; !(await Promise.race([ended, setTimeout(50, false)])); agingTime++)
      await served.client.patchInstance({ graph: 'office', instance: 'switch', body: { config: { agingTime } } })
    return doing
  }

  test('rates and drops of ports, busiest first', async () => {
    const [head = [], busiest = []] = cells((await meanwhile(tessera('top', 'office', '-c', '1', '-i', '0.5'))).stdout)
    expect(head[0]).toBe('PORT')
    expect(busiest[0]).toMatch(/^office\/switch\./)
    expect(Number(busiest[1]) + Number(busiest[3])).toBeGreaterThan(0)
  })

  test('where there is no terminal, rates are told once, with something in each column', async () => {
    const [head = [], ...rows] = cells((await tessera('top', 'office', '-i', '0.1')).stdout)
    expect(rows.length).toBeGreaterThan(1)
    expect(new Set(rows.map(({ length }) => length))).toEqual(new Set([head.length]))
    expect(rows.map((row) => row.at(-1))).toContain('-')
  })

  test('watch prints what changed', async () => {
    const { stdout } = await changing(tessera('watch', 'graphs', '-c', '2', '-i', '0.3'))
    expect(stdout.match(/^office /gm)).toHaveLength(2)
    expect(stdout.match(/^NAME /gm)).toHaveLength(1)
  })

  test('events, as lines of json', async () => {
    const { stdout } = await changing(tessera('events', 'office', '-c', '1', '-o', 'json'))
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'graph.applied', graph: 'office' })
  })

  test('packets are traced and captured', async () => {
    const traced = await meanwhile(tessera('trace', 'office', '-c', '1'))
    expect(traced.stdout).toMatch(/switch:alice in[\s\S]*flood/)
    expect(traced.stderr).toContain('tracing office')
    const captured = await meanwhile(tessera('capture', 'office', 'alice', '-c', '2', '--vlan', '0'))
    expect(captured.stdout).toMatch(/switch:alice in: /)
    const path = join(folder, 'office.pcapng')
    await meanwhile(tessera('capture', 'office', '-c', '1', '-w', path))
    expect(readFileSync(path).readUInt32BE()).toBe(0x0a0d0d0a)
  })
})

test.each([
  { words: ['get', 'ports', 'of'], found: ['office'] },
  { words: ['set', 'office/'], found: ['office/switch'] },
  { words: ['set', 'office', 'attach=xdp'], found: ['attach=xdp', 'attach=xdp native', 'attach=xdp generic'] },
  { words: ['set', 'office', 'switch', 'config.'], found: ['config.agingTime='] },
  {
    words: ['set', 'office/switch', 'ports.bob.learning='],
    found: ['ports.bob.learning=true', 'ports.bob.learning=false'],
  },
  { words: ['connect', 'office', 'switch.'], found: ['switch.alice', 'switch.bob'] },
  { words: ['connect', 'office', 'switch.bob', 'eth2'], found: ['eth2'] },
  { words: ['state', 'get', 'office/switch', ''], found: ['stations'] },
  { words: ['describe', 'cube', 'br'], found: ['bridge'] },
  { words: ['delete', 'office', 'sh'], found: ['shelf'] },
])('complete $words', async ({ words, found }) => {
  expect((await tessera('complete', '--', ...words)).stdout.split('\n').slice(0, -1)).toEqual(found)
})

test('fields of a cube that a graph names by its folder are completed, and told of', async () => {
  const config = '{ place: 1, number: 7 }'
  const instance = `{ cube: ${STAMP}, config: ${config}, ports: { a: {} } }`
  await tessera('apply', file('marked.yaml', `graph: marked\ninstances: { s: ${instance} }\n`))
  const { stdout } = await tessera('complete', '--', 'set', 'marked/s', 'config.')
  expect(stdout).toBe('config.place=\nconfig.number=\n')
  const { body } = await served.client.getInstanceCube({ graph: 'marked', instance: 's' })
  expect(body).toMatchObject({ name: 'stamp', origin: 'folder', folder: STAMP })
  const { body: own } = await served.client.getInstanceCube({ graph: 'office', instance: 'switch' })
  expect(own).toMatchObject({ name: 'bridge', origin: 'builtin' })
  await tessera('delete', 'marked')
})

test('what is no name of a graph is pointed at', async () => {
  const { code, stderr } = await tessera('apply', file('named.yaml', 'graph: M y\ninstances: {}\n'))
  expect({ code, stderr: stderr.slice(stderr.indexOf(':')) }).toEqual({
    code: 1,
    stderr: `:1:8: "M y" is not a name
  1 | graph: M y
    |        ^^^
    lower-case letters, digits and dashes, starting with a letter, at most 31\n`,
  })
})

test('a file of a graph that is not there is no graph', async () => {
  const { code, stderr } = await tessera('delete', 'nothing.yaml')
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('there is no file nothing.yaml') })
})

test('show is of graphs, and says so of an instance', async () => {
  const { code, stderr } = await tessera('show', 'office/switch')
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `office/switch is an instance, and this shows graphs
    tessera describe office/switch; or tessera show office\n`,
  })
})

test.each([
  ['interface', 'eth0.5'],
  ['namespace', 'blue'],
])('a name with a dot, or without, is one name: %s %s', async (kind, name) => {
  expect(await tessera('get', kind, name)).toMatchObject({ code: 0, stdout: expect.stringContaining(name) })
})

test('a graph that runs without being kept by the daemon is listed and described like the others', async () => {
  const path = file('alone.yaml', OFFICE.replace('office', 'alone').replace('eth0', 'eth2').replace('eth1', 'eth0.5'))
  await host.engine.bringUp(await (await onlySource(path)).read(host.catalogue))
  expect((await tessera('describe', 'alone')).stdout).toMatch(/bob +eth0\.5 +up/)
  expect((await tessera('get', 'ports', 'alone')).stdout).toContain('switch.bob')
  expect((await tessera('get', 'ports')).code).toBe(0)
  await host.engine.delete('alone')
})

describe('a cube', () => {
  const from = '/home/somebody/bucket'
  const upgraded: string[] = []
  let other: ServedApi
  beforeAll(async () => {
    other = await serveApi(host, {
      parts: {
        cubes: {
          added: async () => new Map([['bridge', from]]),
          add: async () => 'bridge',
          upgrade: async (_, { path }) => void upgraded.push(path),
          remove: async () => {},
        },
      },
    })
  })
  afterAll(() => other[Symbol.asyncDispose]())
  beforeEach(() => void vi.stubEnv('TESSERA_SOCKET', other.socket))

  test('is upgraded from where it was added from, unless another folder is said', async () => {
    expect((await tessera('cube', 'upgrade', 'bridge')).stdout).toContain(`is as in ${from} now`)
    await tessera('cube', 'upgrade', 'bridge', SHELF)
    expect(upgraded).toEqual([from, SHELF])
    expect((await tessera('cube', 'docs', 'bridge')).stdout).toContain(`added from ${from}`)
  })

  test('that is forgotten leaves the folder that it came from', async () => {
    expect((await tessera('cube', 'remove', 'bridge')).stdout).toBe(`cube bridge is forgotten; ${from} is as it was\n`)
  })
})

test('where one of several graphs is refused, it is said what became of the others', async () => {
  const graph = (name: string, on: string) =>
    file(`${name}.yaml`, `graph: ${name}\ninstances: { s: { cube: bridge, ports: { a: { interface: ${on} } } } }`)
  const files = [graph('first', 'eth2'), graph('second', 'eth9'), graph('third', 'eth3')]
  const { code, stdout, stderr } = await tessera('apply', ...files)
  expect(code).toBe(1)
  expect(stdout).toContain('graph first is new, and runs')
  expect(stderr).toContain('there is no interface eth9')
  expect(stderr).toContain('applied before second: first; not tried: third')
  expect((await tessera('apply', files[1] ?? '')).stderr).not.toContain('applied before')
  expect((await tessera('get', '-o', 'name')).stdout).not.toContain('third')
  await tessera('delete', 'first')
})

test('a daemon that goes before it answers may have made the change, and that is said', async () => {
  const dying = createServer((request, response) => {
    if (request.method === 'GET') response.end('{}')
    else request.socket.destroy()
  })
  const socket = join(folder, 'dying.sock')
  await once(dying.listen(socket), 'listening')
  vi.stubEnv('TESSERA_SOCKET', socket)
  const { code, stderr } = await tessera('apply', file('office.yaml', OFFICE))
  expect([code, stderr]).toEqual([1, expect.stringContaining('what it was asked for may be done, or not')])
  expect(stderr).toContain('tessera diff FILE')
  dying.close().closeAllConnections()
})

test('Ctrl-C before anything was answered ends a command, and no more is said', async () => {
  const silent = createServer((request, response) => {
    if (request.url?.includes('/trace') === true) process.emit('SIGINT')
    else response.end('{}')
  })
  const socket = join(folder, 'silent.sock')
  await once(silent.listen(socket), 'listening')
  vi.stubEnv('TESSERA_SOCKET', socket)
  expect(await tessera('trace', 'office')).toEqual({ code: 130, stdout: '', stderr: '' })
  silent.close().closeAllConnections()
})

test('what was changed is known, with who did it', async () => {
  const operations = cells((await tessera('get', 'operations')).stdout)
  expect(operations[0]).toEqual(['TIME', 'WHO', 'WHAT', 'TARGET', 'STATUS'])
  expect(operations.map(([, , what]) => what)).toContain('putGraph')
})
