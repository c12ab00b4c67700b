import { availableParallelism } from 'node:os'
import { afterEach, expect, test } from 'vitest'
import type { Machine } from '../backend/machine.ts'
import { TC_ACT } from '../isa/opcodes.ts'
import { ATTACH_TYPE, queryAttached } from './bpf.ts'
import { describeKernel, eventually, inScratch, returning, scratch } from './fixtures.ts'
import { MANY } from './links-ahead.ts'
import { openKernelMachine } from './machine.ts'
import { deleteLink, linkNamed } from './netlink/link.ts'
import { pinned, unpin } from './pins.ts'

const POINTS = ['tc ingress', 'tc egress'] as const
/** As many pairs of interfaces as have many points between them. */
const PAIRS = Array.from({ length: MANY / 4 }, (_, at) => [`a${at}`, `b${at}`] as const)
const PLACES = PAIRS.flat().flatMap((name) => POINTS.map((point) => ({ name, point })))
const root = scratch('links-ahead')

/** Numbers of the programs at a point, without what is wrong with it. */
function programsAt({ name, point }: (typeof PLACES)[number]): readonly number[] {
  const type = point === 'tc egress' ? ATTACH_TYPE.tcx_egress : ATTACH_TYPE.tcx_ingress
  const found = queryAttached(linkNamed(name).index, type)
  return typeof found === 'number' ? [] : found.map(({ program }) => program)
}

const expectAll = (machine: Machine): readonly Disposable[] =>
  PLACES.map(({ name, point }) => machine.attachSoon(linkNamed(name), point))

const haveOneEach = (): boolean => PLACES.every((place) => programsAt(place).length === 1)
const haveNone = (): boolean => PLACES.every((place) => programsAt(place).length === 0)

describeKernel('what is going to be attached soon', () => {
  afterEach(() => {
    for (const leftover of pinned(root)) unpin(leftover)
  })

  test.skipIf(availableParallelism() < 2)('has links before it is there, which are then its own', () => {
    inScratch(PAIRS, () => {
      using machine = openKernelMachine({ attach: 'tcx' })
      const expected = expectAll(machine)
      expect(eventually(haveOneEach)).toBe(true)
      const placeholder = new Set(PLACES.flatMap(programsAt))
      expect(placeholder.size).toBe(1)
      for (const { name, point } of PLACES) expect(machine.foreign(linkNamed(name), point)).toEqual([])
      using program = machine.load(returning(TC_ACT.ok, 'own'), {})
      machine.inBulk(() => {
        for (const { name, point } of PLACES.slice(1).toReversed())
          machine.attach(program, linkNamed(name), `${root}/${name}/${point.slice(3)}`, point)[Symbol.dispose]()
      })
      for (const one of expected) one[Symbol.dispose]()
      const [first, ...others] = PLACES.map(programsAt)
      expect(first).toEqual([])
      expect(new Set(others.map(String)).size).toBe(1)
      expect(placeholder.has(others[0]?.[0] ?? 0)).toBe(false)
      expect(machine.pinned(root).length).toBe(PLACES.length - 1)
      machine.inBulk(() => {
        for (const path of machine.pinned(root)) machine.openAttachment(path)?.detach()
      })
      expect(haveNone()).toBe(true)
    })
  })

  test('is not there when it is not wanted any more', () => {
    inScratch(PAIRS, () => {
      using machine = openKernelMachine({ attach: 'tcx' })
      for (const one of expectAll(machine)) one[Symbol.dispose]()
      expect(eventually(haveNone)).toBe(true)
    })
  })

  test('is refused at interfaces that went, as if nobody had waited for it', () => {
    inScratch(PAIRS, () => {
      using machine = openKernelMachine({ attach: 'tcx' })
      const gone = linkNamed('a0')
      const refusal = (run: () => unknown): string => {
        try {
          run()
        } catch (error) {
          return String(error)
        }
        return 'none'
      }
      using program = machine.load(returning(TC_ACT.ok, 'own'), {})
      const attach = () => machine.attach(program, gone, `${root}/a0`, 'tc ingress')
      const expected = expectAll(machine)
      deleteLink('a0')
      const told = refusal(attach)
      expect(told).toContain('cannot attach "own" to "a0" (tc ingress)')
      for (const one of expected) one[Symbol.dispose]()
      expect(refusal(attach)).toBe(told)
    })
  })
})
