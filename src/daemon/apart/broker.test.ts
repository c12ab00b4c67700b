/** What a process of somebody else's may cost whoever looks after it: descriptors and memory. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serialize } from 'node:v8'
import { afterAll, expect, test } from 'vitest'
import { mapPath } from '../../engine/graph/paths.ts'
import { describe, hash, u32 } from '../../lang/index.ts'
import { openVirtualMachine } from '../../vm/machine.ts'
import { Broker, type BrokerParts, withoutRights } from './broker.ts'
import { CALLS as CALLS_FD, type Call } from './channel.ts'

const PATIENCE = 120_000
const home = mkdtempSync(join(tmpdir(), 'tessera-broker-'))
afterAll(() => rmSync(home, { recursive: true }))

/** Frames of some 40 bytes, and answers of about as many: more than pipes and what is kept for them can have. */
const CALLS = 400_000

/** The number of write(2). */
const WRITE = process.arch === 'arm64' ? 64 : 1

/** Asks, and asks, without a look at the answers; in bytes, for the kit would wait for each. */
const FLOOD = `
import { writeSync } from 'node:fs'
import { serialize } from 'node:v8'
const framed = (call: object) => {
  const bytes = serialize(call)
  const head = Buffer.alloc(4)
  head.writeUInt32LE(bytes.length)
  return Buffer.concat([head, bytes])
}
const write = (bytes: Buffer) => {
  for (let at = 0; at < bytes.length; ) at += writeSync(3, bytes, at)
}
const many = Buffer.concat(Array.from({ length: 1_000 }, () => framed({ do: 'inject', packets: [] })))
for (let count = 0; count < ${CALLS}; count += 1_000) write(many)
export default { start() {} }
`

/** Asks three times, and logs the answers. */
const asking = (call: Call): string => `
import { readSync, writeSync } from 'node:fs'
import { deserialize, serialize } from 'node:v8'
const read = (length: number) => {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; ) at += readSync(3, bytes, at, length - at, null)
  return bytes
}
const ask = (bytes: Buffer) => {
  const head = Buffer.alloc(4)
  head.writeUInt32LE(bytes.length)
  for (const piece of [head, bytes]) for (let at = 0; at < piece.length; ) at += writeSync(3, piece, at)
  return deserialize(read(read(4).readUInt32LE()))
}
const call = Buffer.from('${serialize(call).toString('base64')}', 'base64')
ask(serialize({ do: 'log', line: JSON.stringify([ask(call), ask(call), ask(call)]) }))
export default { start() {} }
`

/** Whether a process waits until it can write to the pipe of its calls (proc(5): the number of the system call, and what it was given). */
function isWriting(pid: number): boolean {
  const [number, fd] = readFileSync(`/proc/${pid}/syscall`, 'utf8').split(' ')
  return number === `${WRITE}` && fd === `0x${CALLS_FD.toString(16)}`
}

const orders: BrokerParts['orders'] = {
  ...{ graph: 'office', instance: 'switch', folder: home, config: {}, ports: {}, gate: '', slots: {} },
  ...{ queue: undefined, entries: undefined, schema: '', apart: true },
}

/** What the process is given: a Broker that looks after it, and what it says. */
interface Watched {
  readonly pid: number
  readonly said: unknown[]
  readonly heard: () => number
  /** How often it was told that it runs. */
  readonly begun: () => number
}

async function watched(
  control: string,
  openMap: BrokerParts['machine']['openMap'],
  run: (process: Watched) => Promise<void>,
): Promise<void> {
  writeFileSync(join(home, 'control.ts'), control)
  let [pid, heard, begun] = [0, 0, 0]
  const said: unknown[] = []
  using broker = new Broker({
    machine: { openMap },
    orders,
    inject: () => void heard++,
    tell: (report) => void (report.do === 'running' ? begun++ : said.push(report)),
    began: (number) => {
      pid = number
    },
  })
  await broker.begin()
  await run({ pid, said, heard: () => heard, begun: () => begun })
}

test('a table that is asked for again and again is opened once', { timeout: PATIENCE }, async () => {
  using machine = openVirtualMachine()
  const description = describe(hash({ key: { a: u32 }, value: { b: u32 }, entries: 4 }))
  const path = mapPath('office', 'switch', 'table')
  machine.createMap('table', description).pin(path)
  let opened = 0
  const openMap: BrokerParts['machine']['openMap'] = (...words) => {
    opened++
    return machine.openMap(...words)
  }
  await watched(asking({ do: 'open', path, description }), openMap, async ({ said }) => {
    const answer = { value: { map: 0, valueSize: 4 } }
    const line = { do: 'log', line: JSON.stringify([answer, answer, answer]), level: 'info' }
    // Then it has nothing to look after, and fails.
    await expect.poll(() => said[0], { timeout: PATIENCE }).toEqual(line)
  })
  expect(opened).toBe(1)
})

test('its stacks have the lines of its files', { timeout: PATIENCE }, async () => {
  const throwing = `
interface Told { readonly what: string }

console.error(new Error('told' satisfies Told['what']).stack)
setTimeout(() => {
  throw new Error('thrown')
})
export default { start() {} }
`
  await watched(
    throwing,
    () => undefined,
    async ({ said }) => {
      await expect.poll(() => JSON.stringify(said), { timeout: PATIENCE }).toContain('failed')
      expect(JSON.stringify(said)).toMatch(/told[^}]*\/control\.ts:4:15/)
      expect(JSON.stringify(said)).toMatch(/thrown[^}]*\/control\.ts:6:9/)
      expect(JSON.stringify(said)).not.toMatch(/\[eval|file:/)
    },
  )
})

test('that it runs is told once', { timeout: PATIENCE }, async () => {
  await watched(
    asking({ do: 'running' }),
    () => undefined,
    async ({ said, begun }) => {
      await expect.poll(() => said.length, { timeout: PATIENCE }).toBeGreaterThan(0)
      expect(begun()).toBe(1)
    },
  )
})

test.skipIf(withoutRights().length === 0)(
  'nothing is run with rights where a tool to give them up is not there',
  () => {
    for (const missing of ['setpriv', 'unshare', 'prlimit'])
      expect(() => withoutRights((tool) => tool !== `/usr/bin/${missing}`)).toThrow(
        `there is no /usr/bin/${missing}\n    install util-linux`,
      )
  },
)

test('who asks and does not read the answers is not heard', { timeout: PATIENCE }, async () => {
  await watched(
    FLOOD,
    () => undefined,
    async ({ pid, said, heard }) => {
      // What could be read is read in each turn: who waits for room while nothing is, is not heard.
      let [before, turns] = [0, 0]
      const isLeft = () => {
        turns = heard() > 0 && heard() === before && isWriting(pid) ? turns + 1 : 0
        before = heard()
        return turns >= 10 || said.length > 0
      }
      await expect.poll(isLeft, { timeout: PATIENCE, interval: 20 }).toBe(true)
      expect(said).toEqual([])
      expect(heard()).toBeLessThan(CALLS / 4)
    },
  )
})
