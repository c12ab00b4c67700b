import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { placeAt, Refusal, refusal, render } from './diagnostic.ts'

/** A diagnostic about the first `word` in `text`, as people see it. */
const about = (text: string, word: string, remedy?: string): string =>
  render({ message: 'no such thing', remedy, place: placeAt('a.yaml', text, text.indexOf(word), word.length) })

const lines = (...all: readonly string[]): string => all.join('\n')

describe('a diagnostic', () => {
  test('points at the word', () => {
    expect(about('graph: lan\n  cube: brigde\n', 'brigde', 'did you mean "bridge"?')).toBe(
      lines('a.yaml:2:9: no such thing', '  2 |   cube: brigde', '    |         ^^^^^^', '    did you mean "bridge"?'),
    )
  })

  test('keeps its margin for long line numbers', () => {
    expect(about(`${'\n'.repeat(1233)}x: y`, 'y')).toBe(
      lines('a.yaml:1234:4: no such thing', '  1234 | x: y', '       |    ^'),
    )
  })

  test('keeps tabs, so that the caret is under the word', () => {
    expect(about('\tx:\ty', 'y')).toBe(lines('a.yaml:1:5: no such thing', '  1 | \tx:\ty', '    | \t  \t^'))
  })

  test('has no carriage return in the line', () => {
    expect(about('a: b\r\nc: d\r\n', 'd')).toBe(lines('a.yaml:2:4: no such thing', '  2 | c: d', '    |    ^'))
  })

  test('underlines no more than the line has', () => {
    expect(about('ab\ncd', 'b\ncd')).toBe(lines('a.yaml:1:2: no such thing', '  1 | ab', '    |  ^'))
  })

  test('has a caret behind the end of the text too', () => {
    const place = placeAt('a.yaml', 'ab', 2, 1)
    expect(render({ message: 'more is needed', place })).toBe(
      lines('a.yaml:1:3: more is needed', '  1 | ab', '    |   ^'),
    )
  })

  test('without a place is its message, and every line of what would work', () => {
    expect(render({ message: 'wrong' })).toBe('wrong')
    expect(render({ message: 'wrong', remedy: 'one\ntwo' })).toBe(lines('wrong', '    one', '    two'))
  })
})

test('places are where they say', () => {
  const text = fc.array(fc.constantFrom('a', 'b', ' ', '\n'), { minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(text, fc.nat(29), (characters, at) => {
      const whole = characters.join('')
      fc.pre(at < whole.length && whole[at] !== '\n')
      const { line, column, text } = placeAt('f', whole, at, 1)
      expect(whole.split('\n')[line - 1]).toBe(text)
      expect(text[column - 1]).toBe(whole[at])
      expect(
        whole
          .split('\n')
          .slice(0, line - 1)
          .join('\n').length +
          (line > 1 ? 1 : 0) +
          column -
          1,
      ).toBe(at)
    }),
  )
})

test('a refusal says all that it has found, and keeps its cause', () => {
  const cause = new Error('below')
  expect(new Refusal([{ message: 'one' }, { message: 'two', remedy: 'do' }]).message).toBe('one\n\ntwo\n    do')
  expect(refusal('one', 'do', undefined, cause)).toMatchObject({
    name: 'Refusal',
    cause,
    diagnostics: [{ message: 'one', remedy: 'do' }],
  })
  expect(refusal('one')).not.toHaveProperty('cause')
})

test('of a long line, what is around the mistake is shown, and nothing that a terminal obeys', () => {
  const text = `${'a'.repeat(5000)}\u001b\0${'b'.repeat(5000)}`
  const [, line = '', caret = ''] = render({
    message: 'no',
    place: { file: 'f', line: 1, column: 5002, length: 1, text },
  }).split('\n')
  expect(line).toBe(`  1 | …${'a'.repeat(99)}··${'b'.repeat(199)}…`)
  expect(caret.indexOf('^')).toBe(line.lastIndexOf('·'))
})
