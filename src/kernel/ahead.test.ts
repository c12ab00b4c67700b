import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { afterEach, expect, test } from 'vitest'
import { TC_ACT } from '../isa/opcodes.ts'
import type { MapDescription, Program } from '../isa/program.ts'
import { MANY } from './ahead.ts'
import { Beside, ROOM } from './beside.ts'
import { beginLoad, PROG_TYPE } from './bpf.ts'
import { ERRNO } from './errno.ts'
import { close } from './ffi.ts'
import { asm, bytes32, describeKernel, eventually, frame, program, returning, u32 } from './fixtures.ts'
import { openKernelMachine } from './machine.ts'
import { kindOf } from './objects.ts'

/** Handles of programs that this process has. */
function programs(): number {
  const fds = readdirSync('/proc/self/fd').map(Number)
  return fds.filter((fd) => {
    try {
      return kindOf(fd) === 'program'
    } catch {
      // That of the folder, which was read.
      return false
    }
  }).length
}

const ACCEPTED = asm.mov(0, TC_ACT.ok)
const ok = Uint8Array.of(ACCEPTED.opcode, 0, 0, 0, 0, 0, 0, 0, asm.exit.opcode, 0, 0, 0, 0, 0, 0, 0)
const plain = { type: PROG_TYPE.tc, name: 'ok', instructions: ok }
/** The verifier refuses it: what r0 is, nobody knows. */
const refused = { ...plain, instructions: ok.slice(8) }

describeKernel('beside this thread', () => {
  const open: Disposable[] = []
  const beside = (): Beside => {
    const one = Beside.open()
    if (one === undefined) throw new Error('there is no thread')
    open.push(one)
    return one
  }

  afterEach(() => {
    for (const one of open.splice(0)) one[Symbol.dispose]()
  })

  test.skipIf(availableParallelism() < 2)('another one makes calls that nobody has asked for', () => {
    const before = programs()
    const thread = beside()
    const loads = [0, 1, 2].map(() => beginLoad(plain, thread))
    expect(eventually(() => programs() === before + 3)).toBe(true)
    for (const load of loads) expect(close(load.result())).toBe(0)
    expect(programs()).toBe(before)
  })

  test.skipIf(availableParallelism() < 2)(
    'calls have their own results, more than there is room for at once too',
    () => {
      const before = programs()
      const thread = beside()
      for (const _ of [1, 2]) {
        const loads = Array.from({ length: ROOM + 100 }, (_, at) => beginLoad(at % 3 === 1 ? refused : plain, thread))
        const results = loads.map((load) => load.result())
        expect(results.map((result) => (result < 0 ? -result : 'loaded'))).toEqual(
          loads.map((_, at) => (at % 3 === 1 ? ERRNO.EACCES : 'loaded')),
        )
        for (const fd of results) if (fd >= 0) close(fd)
      }
      expect(programs()).toBe(before)
    },
  )
})

describeKernel('programs that are to be loaded soon', () => {
  const verdicts = Array.from({ length: MANY * 2 }, (_, at) => at)
  const soon = verdicts.map((verdict) => returning(verdict, `p${verdict}`))

  test('are those that they are, in any order', () => {
    const before = programs()
    using machine = openKernelMachine()
    const expected = soon.map((one) => machine.loadSoon(one, {}))
    for (const verdict of verdicts.toReversed()) {
      using loaded = machine.load(soon[verdict]!, {})
      expect([loaded.program.name, loaded.run(frame(1)).verdict]).toEqual([`p${verdict}`, verdict])
    }
    for (const one of expected) one[Symbol.dispose]()
    expect(programs()).toBe(before)
  })

  test('are refused when they are loaded', () => {
    const before = programs()
    using machine = openKernelMachine()
    const wrong = (name: string): Program => program([asm.exit], { name })
    const all = soon.with(7, wrong('first')).with(3, wrong('other'))
    const expected = all.map((one) => machine.loadSoon(one, {}))
    expect(() => {
      for (const one of all.slice(5)) machine.load(one, {})[Symbol.dispose]()
    }).toThrow(/the kernel refuses "first"/)
    for (const one of expected) one[Symbol.dispose]()
    expect(programs()).toBe(before)
  })

  test('are forgotten with who expected them, or with the machine', () => {
    const before = programs()
    {
      using machine = openKernelMachine()
      for (const one of soon.map((one) => machine.loadSoon(one, {}))) one[Symbol.dispose]()
      expect(programs()).toBe(before)
      for (const one of soon) machine.loadSoon(one, {})
    }
    expect(programs()).toBe(before)
  })

  test('are loaded with the maps of then', () => {
    using machine = openKernelMachine()
    const described: MapDescription = { kind: 'array', key: u32, value: u32, entries: 1 }
    const reading = Array.from({ length: MANY }, () =>
      program([asm.mapValue(1, 'one', 0), asm.load32(0, 1, 0), asm.exit], { maps: { one: described } }),
    )
    using one = machine.createMap('one', described)
    using other = machine.createMap('other', described)
    other.update(bytes32(0), bytes32(5))
    for (const program of reading) machine.loadSoon(program, { one })
    const verdicts = reading.map((program, at) => {
      using loaded = machine.load(program, { one: at % 2 === 0 ? one : other })
      return loaded.run(frame(1)).verdict
    })
    expect(verdicts).toEqual(reading.map((_, at) => (at % 2 === 0 ? 0 : 5)))
  })
})
