/** Cubes that graphs name by their folders, when files in these change while a daemon runs. In a process that imports as a daemon does. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { furnish, ROOT } from '../cubes/staging.ts'

const home = mkdtempSync(join(tmpdir(), 'tessera-changed-'))
const mine = join(home, 'mine')
beforeAll(() => furnish(home))
beforeEach(() => {
  cpSync(join(ROOT, 'examples/hub'), mine, { recursive: true })
  writeFileSync(join(home, 'words.ts'), "export const SUMMARY = 'as it was'\n")
})
afterAll(() => rmSync(home, { recursive: true }))

/** What the steps of a test are made of; they write down what was `said`. */
const KIT = `
import { readFileSync, writeFileSync } from 'node:fs'
import { register } from 'tsx/esm/api'
register()
const { openVirtualHost } = await import('${ROOT}/src/daemon/host.ts')
const { serveApi } = await import('${ROOT}/src/testing/api.ts')
const { packet } = await import('${ROOT}/src/testing/packet.ts')
const host = openVirtualHost()
const { client, ...served } = await serveApi(host)
const edit = (file, from, to) => {
  const text = readFileSync('${mine}/' + file, 'utf8')
  if (!text.includes(from)) throw new Error(from)
  writeFileSync('${mine}/' + file, text.replace(from, to))
}
for (const name of ['lan', 'wan'])
  for (const end of [1, 2]) host.machine.addInterface(name + end, { mac: '02:00:00:00:00:01' })
const ports = (graph) => ({ a: { interface: graph + 1 }, b: { interface: graph + 2 } })
const states = async () => (await client.listGraphs()).body.map(({ state }) => state)
const put = (graph, config = {}, dryRun = false) =>
  client
    .putGraph({ graph, dryRun, body: { graph, instances: { h: { cube: '${mine}', config, ports: ports(graph) } } } })
    .then(({ body }) => body.warnings, ({ problem }) => problem.errors?.[0]?.detail ?? problem.detail)
const hub = async (graph) => (await host.engine.status(graph)).instances[0]
const send = (graph) => host.machine.receive(graph + 1, packet().ethernet({ source: '02:02:02:02:02:02' }).padded(60))
const said = {}
`

const inDaemon = (steps: string) => {
  const words = ['--input-type=module', '-e', `${KIT}${steps}\nconsole.log(JSON.stringify(said))\nprocess.exit()`]
  const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', cwd: ROOT })
  expect(stderr).toBe('')
  return JSON.parse(stdout) as Record<string, unknown>
}

test('the next change of a graph is made of what is in them then', () => {
  const said = inDaemon(`
    edit('schema.ts', "summary: 'repeats every frame out of all other ports'", 'summary: SUMMARY')
    edit('schema.ts', "import { z }", "import { SUMMARY } from '../words.ts'\\nimport { z }")
    said.put = [await put('lan'), await put('wan')]
    send('lan')
    said.unknown = await put('lan', { extra: 2 })
    edit('schema.ts', 'config: z.strictObject({', 'config: z.strictObject({ extra: z.number().default(1),')
    edit('../words.ts', 'as it was', 'anew')
    said.before = (await hub('lan')).summary
    said.tried = [await put('lan', { extra: 2 }, true), (await hub('lan')).summary]
    said.known = [await put('lan', { extra: 2 }), (await hub('lan')).summary, (await hub('wan')).summary]
    edit('schema.ts', 'value: { seen: u64 }', 'value: { seen: u64, frames: u64 }')
    edit('control.ts', '[{ address }, { seen }]) => ({ address,', '[{ address }, { seen, frames }]) => ({ address, frames,')
    said.refused = await put('lan')
    said.state = await states()
    said.asBefore = (await hub('lan')).views.talkers.map(Object.keys)
    edit('dataplane.ts', '{ seen: now() }', '{ seen: now(), frames: 1 }')
    said.lost = await put('lan')
    edit('control.ts', 'export default', "import { from } from 'tessera/cube'\\nimport { lruHash, mac, u64 } from 'tessera/lang'\\nexport default")
    edit('control.ts', 'views:', 'migrate: { talkers: [from(lruHash({ key: { address: mac }, value: { seen: u64 }, entries: 1024 }), ({ key, value }) => ({ key, value: { ...value, frames: 7n } }))] }, views:')
    said.migrated = [await put('lan'), (await hub('lan')).views.talkers.map(({ frames }) => String(frames))]
    said.other = (await hub('wan')).views
  `)
  expect(said).toEqual({
    put: [[], []],
    unknown: '"extra" is not known here',
    before: 'as it was',
    tried: [[], 'as it was'],
    known: [[], 'anew', 'anew'],
    refused: 'the value lacks `frames`',
    lost: 'the table talkers of h has another layout than the graph that runs',
    asBefore: [['address', 'silent']],
    state: ['running', 'running'],
    migrated: [[], ['7']],
    other: { talkers: [] },
  })
})

test('until a change is accepted, what runs is what ran, in graphs that stay behind as well, and is repaired as that', () => {
  const said = inDaemon(`
    const programs = () => ['lan', 'wan'].map((graph) => JSON.stringify(host.engine.running(graph).programs))
    const isAs = (before) => programs().map((one, index) => one === before[index])
    said.put = [await put('lan'), await put('wan', { ipv4: false })]
    const before = programs()
    edit('schema.ts', 'value: { seen: u64 }', 'value: { seen: u64, frames: u64 }')
    edit('dataplane.ts', '{ seen: now() }', '{ seen: now(), frames: 1 }')
    said.refused = [await put('lan'), await states(), isAs(before)]
    edit('schema.ts', 'value: { seen: u64, frames: u64 }', 'value: { seen: u64 }')
    edit('dataplane.ts', '{ seen: now(), frames: 1 }', '{ seen: now() }')
    said.asBefore = [await put('lan'), isAs(before)]
    edit('schema.ts', 'ipv4: z.boolean()', 'ipv4: z.literal(true)')
    edit('dataplane.ts', "return drop('ipv4')", "return drop('truncated')")
    edit('dataplane.ts', "if (!ethernet) return drop('truncated')", "if (!ethernet) return drop('ipv4')")
    said.left = [await put('lan'), await states(), isAs(before)]
    host.machine.removeInterface('wan1')
    host.machine.addInterface('wan1', { mac: '02:00:00:00:00:01' })
    said.repaired = (await host.engine.repair('wan')).actions.some((one) => one.do === 'attach')
    host.machine.receive('wan1', packet().ethernet().ipv4().padded(60))
    said.counted = Object.keys((await hub('wan')).ports.find(({ name }) => name === 'a').drops)
  `)
  expect(said).toEqual({
    put: [[], []],
    refused: [
      'the table talkers of h has another layout than the graph that runs',
      ['running', 'running'],
      [true, true],
    ],
    asBefore: [[], [true, true]],
    left: [
      [expect.stringContaining('the graph wan has a cube that changed, and is as it was')],
      ['running', 'running'],
      [false, true],
    ],
    repaired: true,
    counted: ['ipv4'],
  })
})
