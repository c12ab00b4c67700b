/** Long and deep data planes: compiled or refused, and neither by running out of stack or time. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Refusal } from '../base/diagnostic.ts'
import { lan } from './cases/lan.ts'
import { compile, dataPlaneOf } from './compile.ts'
import { loadModules, parseModule } from './modules.ts'

/** As the generated modules import it, which lie in `cases/`. */
const LANG = '../../lang/index.ts'

const path = join(import.meta.dirname, 'cases', 'dataplane.ts')
const wiring = { port: 1, exits: [{ port: 1, ifindex: 11 }], capacity: 4 }

describe('a data plane', async () => {
  const modules = await loadModules(join(import.meta.dirname, 'cases', 'lan.ts'))

  const instructions = (functions: string, body: string): number => {
    const text = `import { type u32, type Verdict } from '${LANG}'
import { dataplane, lan } from './lan.ts'
type Drop = (why: 'unwanted') => Verdict
${functions}
export default dataplane(lan, (packet, { state, drop, forward }) => {
  let x = packet.length
${body}
  return forward(x)
})`
    const module = parseModule(path, text, { default: { cube: lan } })
    const source = dataPlaneOf(new Map([...modules, [path, module]]), path)
    return compile(source, { name: 'long', config: {}, port: {}, wiring }).instructions.length
  }

  const refusal = (functions: string, body: string): string => {
    try {
      return `${instructions(functions, body)} instructions`
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return error.diagnostics.map(({ message }) => message).join('\n')
    }
  }

  const times = (count: number, line: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => line(index)).join('\n')

  test.each([
    ['assignments', (index: number) => `x = x * 31 + ${index}`],
    ['ifs', (index: number) => `if (x === ${index}) x += ${index + 7}`],
    ['returns', (index: number) => `if (x === ${index}) return drop('unwanted')`],
    [
      'lookups',
      (index: number) => `const e${index} = state.totals.get({ index: 1 })\nif (e${index}) x += e${index}.last`,
    ],
  ])('of 3000 %s compiles', (_, line) => {
    expect(instructions('', times(3000, line))).toBeGreaterThan(3000)
  })

  test.each([
    ['parentheses', `x = ${'~('.repeat(5000)}x${')'.repeat(5000)}`],
    ['blocks', `${'{'.repeat(5000)}x++${'}'.repeat(5000)}`],
    ['terms', `x = x${' + x'.repeat(5000)}`],
    ['else ifs', `${'if (x === 1) x = 2\nelse '.repeat(5000)} x = 3`],
  ])('of 5000 nested %s is refused at its place', (_, body) => {
    expect(refusal('', body)).toContain('this is nested more than 200 deep')
  })

  test.each([
    ['a switch of 5000 arms', `switch (x) {\n${times(5000, (n) => `case ${n}: x = ${n + 3}; break`)}\n}`, 5000],
    [
      'a switch with 3000 labels on one arm',
      `switch (x) {\n${times(3000, (n) => `case ${2 * n}:`)} x = 1; break\n}`,
      3000,
    ],
    ['10000 lines', times(10_000, (n) => `x = x * 31 + ${n}`), 10_000],
    [
      'an index behind 6000 lines',
      `${times(6000, (n) => `x = x * 31 + ${n}`)}\nconst e = state.windows.get({ id: 1 })\nif (e) x += e.words[x & 7]`,
      6000,
    ],
    ['a jump over 6000 lines', `if (x !== 60) {\n${times(6000, (n) => `x = x / (x | 1) ^ ${n}`)}\n}`, 6000],
    ['4000 rounds over constants', `for (const one of [${times(4000, (n) => `${n}, `)}]) if (x === one) x += 3`, 4000],
    [
      '3000 variables that change',
      `${times(3000, (n) => `let v${n} = ${n}`)}\n${times(3000, (n) => `if (x === ${n}) v${n} = x`)}`,
      2,
    ],
    ['1000 loops', times(1000, (n) => `for (let i = 0; i < 2 && x > i; i++) x += ${n}`), 1000],
    ['150 conditions', `while (x < 40 && ${times(150, (n) => `x !== ${n} &&`)} x > 2) x++`, 150],
  ])('of %s compiles', (_, body, least) => {
    expect(instructions('', body)).toBeGreaterThan(least)
  })

  test.each([
    [
      'rounds over constants',
      `for (const one of [${times(5000, (n) => `${n}, `)}]) x += one`,
      'more than 4096 rounds would be compiled in',
    ],
    [
      'elements to compare with',
      `if ([${times(5000, (n) => `${n}, `)}].includes(x)) x++`,
      'more than 4096 comparisons would be compiled in',
    ],
    [
      'statements in rounds over constants',
      `for (const one of [${times(4000, (n) => `${n}, `)}]) {\n${times(200, () => 'x += one')}\n}`,
      'more than 100000 statements would be compiled in',
    ],
    [
      'rounds within rounds',
      `${times(3, (n) => `for (const a${n} of [${times(100, (one) => `${one}, `)}])`)} x++`,
      'more than 4096 rounds would be compiled in',
    ],
    [
      'array literals in array literals',
      `for (const one of ${'['.repeat(5000)}1${']'.repeat(5000)}) x++`,
      'more than 200 deep',
    ],
    [
      'elements',
      `state.windows.set({ id: 1 }, { ports: [${times(50_000, (n) => `${n}, `)}] })`,
      '50000 elements, where 5 belong',
    ],
    ['loops in loops', `${'while (x < 3) '.repeat(500)} x++`, 'more than 200 deep'],
  ])('of too many %s is refused', (_, body, says) => {
    expect(refusal('', body)).toContain(says)
  })

  test('with an enum of 5000 members, and a constant of 5000 elements', () => {
    const functions = `enum Many { first = 1 << 3,\n${times(5000, (n) => `member${n},`)}\n}
const ALL = [${times(5000, (n) => `{ at: ${n}, name: 'n${n}' }, `)}]`
    expect(instructions(functions, 'if (x === Many.member4999 + ALL[4999].at) x = 7')).toBeGreaterThan(5)
    expect(refusal(functions, 'x = ALL[5000].at')).toContain('has no element 5000')
  })

  test('whose functions double at every level is as long as one of them', () => {
    const functions = times(
      15,
      (n) => `function f${n}(x: u32): u32 {\n  return ${n === 0 ? 'x + 1' : `f${n - 1}(x) + f${n - 1}(x * 3)`}\n}`,
    )
    expect(instructions(functions, 'x = f14(x)')).toBeLessThan(1000)
  })

  test('whose functions double at every level, and have to be compiled in, is refused before it fills the memory', () => {
    const functions = times(
      15,
      (n) =>
        `function f${n}(x: u32, drop: Drop): Verdict {\n  return ${n === 0 ? "drop('unwanted')" : `x > ${n} ? f${n - 1}(x, drop) : f${n - 1}(x + 1, drop)`}\n}`,
    )
    expect(refusal(functions, 'if (x > 60) return f14(x, drop)')).toContain('more than 2000 calls would be compiled in')
  })

  const large = (lines: number, name = 'large') =>
    `function ${name}(x: u32, by: u32): u32 {\n  let y: u32 = x\n${times(lines, (n) => `  if (y === ${n}) y = y * 31 + by`)}\n  return y\n}`

  test('that calls a large function 2000 times has it once', () => {
    const found = instructions(
      large(300),
      times(2000, (n) => `x = large(x, ${n})`),
    )
    expect(found).toBeGreaterThan(300 * 3 + 2000 * 3)
    expect(found).toBeLessThan(300 * 3 + 2000 * 4 + 100)
  })

  test('that calls a function of 10000 lines compiles', () => {
    const lines = times(10_000, (n) => `  y = y * 31 + (by ^ ${n})`)
    const functions = `function large(x: u32, by: u32): u32 {\n  let y: u32 = x\n${lines}\n  return y\n}`
    const found = instructions(functions, 'x = large(x, 1)\nx = large(x, 2)')
    expect(found).toBeGreaterThan(40_000)
    expect(found).toBeLessThan(41_000)
  })

  test('whose calls run for too long is refused at the loop', () => {
    const inner = `function outer(x: u32): u32 {\n  let y: u32 = x\n  for (let i = 0; i < 500; i++) y = large(y, i)\n  return large(y, 1)\n}`
    expect(refusal(`${large(200)}\n${inner}`, 'for (let i = 0; i < 8; i++) x = outer(x) + outer(x + 1)')).toMatch(
      /^a packet would run \d+ instructions; 4000000 are the most$/,
    )
  })

  test('with more values than the stack holds is refused', () => {
    const body = `${times(2000, (n) => `const v${n} = x ^ ${n}`)}\n${times(2000, (n) => `x = x * 31 + v${n}`)}`
    expect(refusal('', body)).toMatch(/^this needs \d+ bytes of stack; the kernel allows 512$/)
  })
})
