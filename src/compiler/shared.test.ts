/** Programs whose wiring is left open: bound, they are what would have been compiled for that wiring, or they are not made. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Refusal } from '../base/diagnostic.ts'
import type { Program } from '../isa/program.ts'
import { chapters, compileCase, readCase } from './cases/read.ts'
import { compile, compileShared, type DataPlaneSource, type Specialisation, wired } from './compile.ts'
import { loadModules } from './modules.ts'
import { bind } from './shared.ts'
import { opened } from './wired.ts'
import type { Wiring } from './wiring.ts'

const modules = await loadModules(join(import.meta.dirname, 'cases', 'lan.ts'))

/** Undefined where it is refused. */
function compiled(source: DataPlaneSource, options: Specialisation): Program | undefined {
  try {
    return compile(source, options)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return undefined
  }
}

/** Undefined where the numbers of the wiring decide more than themselves. */
function shared(
  body: string,
  hook: 'tc' | 'xdp' = 'tc',
): ((wiring: Wiring) => readonly [Program, Program]) | undefined {
  const [source, options] = readCase(modules, body, hook)
  const found = compileShared(source, options)
  return (
    found &&
    ((wiring) => [
      bind(found, 'other', opened(wired(source, { ...options, wiring })).numbers),
      compile(source, { ...options, name: 'other', wiring }),
    ])
  )
}

const wiring = (port: number, ...ports: readonly number[]): Wiring => ({
  port,
  exits: ports.map((one) => ({ port: one, ifindex: 1000 + 7 * one })),
  capacity: 4,
})

describe('is what is compiled for a port', () => {
  const cases = chapters().flatMap(({ cases, hook, title }) =>
    cases.filter(({ expected }) => expected === '').map(({ title: one, source }) => ({ title, one, source, hook })),
  )
  test.each(cases)('$title: $one', ({ source: text, hook }) => {
    const [source, options] = readCase(modules, text, hook)
    const known = compiled(source, options)
    const open = compileShared(source, options)
    if (open !== undefined) expect(bind(open, options.name, opened(wired(source, options)).numbers)).toEqual(known)
  })

  const SOURCE = `const ethernet = packet.read(Ethernet); if (!ethernet) return drop('truncated'); const address = ethernet.source`
  const BODIES = {
    'copies of its number': `${SOURCE}; state.stations.set({ address }, { port: port.id, seen: now(), trusted: false }); return flood()`,
    'a comparison': `return state.gauge.get().level === port.id ? drop('unwanted') : flood()`,
    'a port that is found': `${SOURCE}; const found = state.stations.get({ address }); return found ? forward(found.port) : pass()`,
  }
  test.each(Object.entries(BODIES))('%s', (_, body) => {
    for (const hook of ['tc', 'xdp'] as const) {
      const both = shared(body, hook)
      if (both === undefined) throw new Error('it could be shared')
      for (const one of [wiring(1, 1, 2, 3), wiring(3, 3, 2, 1), wiring(0, 2, 0, 3), wiring(300, 700, 300, 2)]) {
        const [bound, compiled] = both(one)
        expect(bound).toEqual(compiled)
      }
    }
  })
})

describe('is not made where a number of the wiring decides', () => {
  test.each([
    ['what is computed with it', 'return forward(packet.length + port.id)'],
    ['exactly', 'return packet.length > port.id * 70000 ? pass() : flood()'],
    ['by another name', 'const id = port.id; return packet.length > id - 5 ? pass() : flood()'],
    [
      'as an argument',
      'function twice(id: u32) { return id * 2 }; export default dataplane(lan, (packet, { port, forward }) => { return forward(twice(port.id)) })',
    ],
    ['which way is taken', 'return port.id === 1 ? pass() : flood()'],
    ['what fits', 'return packet.length === u8(port.id) ? pass() : flood()'],
    ['where it leads', 'return forward(port.id)'],
    ['how often', 'let x = 0; for (let i = 0; i < port.id; i++) x += packet.length; return forward(x)'],
    ['what a choice may be', 'return forward(packet.length > 100 ? port.id : 2)'],
  ])('%s', (_, body) => {
    expect(shared(body)).toBeUndefined()
    expect(() => compileCase(modules, body)).not.toThrow()
  })
})
