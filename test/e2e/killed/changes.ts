/**
 * A process that goes to and fro between two graph files until it is killed: by itself, at an operation of its machine, or by
 * whoever started it. `node --import tsx changes.ts FILE FILE [OPERATION]`
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { builtinCubes } from '../../../src/daemon/host.ts'
import { FileRecords } from '../../../src/daemon/records.ts'
import { Engine } from '../../../src/engine/engine.ts'
import { readGraph } from '../../../src/engine/read/read.ts'
import { lockFile } from '../../../src/kernel/lock.ts'
import { openKernelMachine } from '../../../src/kernel/machine.ts'
import { RUN_FOLDER } from '../../../src/kernel/places.ts'
import { through } from '../../../src/testing/index.ts'

const [to = '', fro = '', last] = process.argv.slice(2)
const catalogue = builtinCubes()
let left = last === undefined ? Number.POSITIVE_INFINITY : Number(last)
let isReady = false
const machine = through(openKernelMachine(), (_, run) => {
  if (isReady && left-- <= 0) process.kill(process.pid, 'SIGKILL')
  return run()
})
const engine = new Engine({
  machine,
  catalogue,
  records: new FileRecords(join(RUN_FOLDER, 'graphs')),
  lock: async () => lockFile(join(RUN_FOLDER, 'engine.lock'), true),
})
const files = await Promise.all([to, fro].map((file) => readGraph(file, readFileSync(file, 'utf8'), catalogue)))
for (const file of files) await engine.apply(file)
console.log('ready')
isReady = true
for (;;) for (const file of files) await engine.apply(file)
