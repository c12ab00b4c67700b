/** Two CPUs on one entry: bpftool runs the program, in two processes at once. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Held } from '../../src/base/held.ts'
import { compile, mapsOf, readDataPlane } from '../../src/compiler/compile.ts'
import { controlTable } from '../../src/engine/control/tables.ts'
import { openKernelMachine } from '../../src/kernel/machine.ts'
import { KernelProgram } from '../../src/kernel/programs.ts'
import { packet } from '../../src/testing/index.ts'
import { shaper } from '../cubes/shaper/dataplane.ts'
import { ROOT, whyNot } from './host.ts'

const reason = whyNot('bpftool')
const TIMES = 1_000_000

const ended = (command: string, words: readonly string[]): Promise<number | null> =>
  new Promise((resolve, reject) => spawn(command, words, { stdio: 'ignore' }).on('error', reject).on('exit', resolve))

describe.skipIf(reason !== undefined)(`a lock${reason === undefined ? '' : ` (${reason})`}`, () => {
  test('keeps what several CPUs do to one entry', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tessera-'))
    using held = new Held()
    try {
      const machine = held.use(openKernelMachine())
      const wiring = { port: 0, exits: [], capacity: 1 }
      const source = await readDataPlane(join(ROOT, 'test/cubes/shaper/dataplane.ts'))
      const program = compile(source, { name: 'shaper', config: { rate: 1, burst: 0 }, port: {}, wiring })
      const maps = Object.fromEntries(
        Object.entries(mapsOf(shaper, wiring.capacity)).map(([name, map]) => [
          name,
          held.use(machine.createMap(name, map)),
        ]),
      )
      const loaded = held.use(machine.load(program, maps))
      if (!(loaded instanceof KernelProgram) || maps.totals === undefined) throw new Error('no program')
      const frame = packet().ethernet().ipv4().udp().bytes()
      const file = join(folder, 'frame')
      writeFileSync(file, frame)
      const words = ['prog', 'run', 'id', `${loaded.id}`, 'data_in', file, 'repeat', `${TIMES}`]
      expect(await Promise.all([ended('bpftool', words), ended('bpftool', words)])).toEqual([0, 0])
      expect(controlTable(shaper.state.totals, maps.totals).get({ index: 1 })).toEqual({
        packets: 2 * TIMES,
        bytes: BigInt(2 * TIMES * frame.length),
        longest: frame.length,
        by: Array.from({ length: 7 }, (_, rest) => (rest === frame.length % 7 ? (2 * TIMES) % 0x10000 : 0)),
      })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
