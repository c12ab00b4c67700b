import { expect, test } from 'vitest'
import { viewOf } from '../../base/bytes.ts'
import { Frames, framed, LONGEST } from './channel.ts'

const values = [{ do: 'log', line: 'hello' }, undefined, new Uint8Array(1000).fill(7), [1n, 'two']]

for (const length of [1, 3, 4, 7, 4096])
  test(`what comes in pieces of ${length} bytes`, () => {
    const bytes = Uint8Array.from(values.flatMap((value) => [...framed(value)]))
    const frames = new Frames()
    const taken: unknown[] = []
    for (let at = 0; at < bytes.length; at += length) {
      frames.add(bytes.slice(at, at + length))
      for (let one = frames.next(); one !== undefined; one = frames.next()) taken.push(one.value)
    }
    expect(taken).toEqual(values)
  })

test('a message that is too long is no message', () => {
  const frames = new Frames()
  const length = new Uint8Array(4)
  viewOf(length).setUint32(0, LONGEST + 1, true)
  frames.add(length)
  expect(() => frames.next()).toThrow(RangeError)
})
