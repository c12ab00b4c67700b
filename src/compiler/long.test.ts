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
    const text = `import { u32 } from '${LANG}'
import { dataplane, lan } from './lan.ts'
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

  test('whose functions double at every level is refused before it fills the memory', () => {
    const functions = times(
      15,
      (n) => `function f${n}(x: u32): u32 {\n  return ${n === 0 ? 'x' : `f${n - 1}(x) + f${n - 1}(x)`}\n}`,
    )
    expect(refusal(functions, 'x = f14(x)')).toContain('more than 2000 calls would be compiled in')
  })

  test('with more values than the stack holds is refused', () => {
    const body = `${times(2000, (n) => `const v${n} = x ^ ${n}`)}\n${times(2000, (n) => `x = x * 31 + v${n}`)}`
    expect(refusal('', body)).toMatch(/^this needs \d+ bytes of stack; the kernel allows 512$/)
  })
})
