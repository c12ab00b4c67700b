/** What a process of somebody else's may cost whoever looks after it: descriptors and memory. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { mapPath } from '../../engine/paths.ts'
import { describe, hash, u32 } from '../../lang/index.ts'
import { openVirtualMachine } from '../../vm/machine.ts'
import { Broker, type BrokerParts } from './broker.ts'
import type { Call } from './channel.ts'

const PATIENCE = 120_000
const home = mkdtempSync(join(tmpdir(), 'tessera-broker-'))
afterAll(() => rmSync(home, { recursive: true }))

/** Frames of 22 bytes, and answers of about as many: more than pipes and what is kept for them can have. */
const CALLS = 400_000

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
const many = Buffer.concat(Array.from({ length: 1_000 }, () => framed({ do: 'alive' })))
for (let count = 0; count < ${CALLS}; count += 1_000) write(many)
export default { start() {} }
`

const orders: BrokerParts['orders'] = {
  ...{ graph: 'office', instance: 'switch', folder: home, config: {}, ports: {}, gate: '', slots: {} },
  ...{ queue: undefined, entries: undefined, schema: '', apart: true },
}

test('a table that is asked for again and again is opened once', () => {
  using machine = openVirtualMachine()
  const description = describe(hash({ key: { a: u32 }, value: { b: u32 }, entries: 4 }))
  const path = mapPath('office', 'switch', 'table')
  machine.createMap('table', description).pin(path)
  let opened = 0
  const openMap: BrokerParts['machine']['openMap'] = (...words) => {
    opened++
    return machine.openMap(...words)
  }
  using broker = new Broker({ machine: { openMap }, orders, inject: () => {}, tell: () => {}, began: () => {} })
  const ask = () => broker['answer']({ do: 'open', path, description } satisfies Call)
  const [first, ...others] = [ask(), ask(), ask()]
  expect(first).toEqual({ value: { map: 0, valueSize: 4 } })
  expect(others).toEqual([first, first])
  expect(opened).toBe(1)
})

test('who asks and does not read the answers is not heard', { timeout: PATIENCE }, async () => {
  writeFileSync(join(home, 'control.ts'), FLOOD)
  let heard = 0
  const said: unknown[] = []
  using broker = new Broker({
    machine: { openMap: () => undefined },
    orders,
    inject: () => {},
    tell: (report) => (report.do === 'alive' ? heard++ : said.push(report)),
    began: () => {},
  })
  await broker.begin()
  const pipe = broker['pipe'](3)
  await expect.poll(() => pipe.isPaused() || said.length > 0, { timeout: PATIENCE, interval: 20 }).toBe(true)
  expect(said).toEqual([])
  expect(heard).toBeLessThan(CALLS)
  expect(pipe.writableLength).toBeLessThan(1 << 20)
})
