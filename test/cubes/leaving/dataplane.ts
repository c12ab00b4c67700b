import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { array, u32 } from '../../../src/lang/index.ts'

export const leaving = defineCube('leaving', {
  summary: 'labels, do … while, and steps in expressions',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {
    given: array({ value: { number: u32 }, entries: 1 }),
    results: array({ value: { number: u32 }, entries: 12 }),
    tickets: array({ value: { next: u32 }, entries: 1 }),
  },
  drops: { missing: 'no entry', done: 'all others' },
})

/** Pairs up to the first one whose product is the number; rows where a sum is, are left. */
export function pairs(number: u32): u32 {
  let sum: u32 = 0
  rows: for (let i: u32 = 0; i < 9; i++) {
    for (let j: u32 = 0; j < 9; j++) {
      if (i * j === number) break rows
      if (i + j === number) continue rows
      sum += i + j * 10
    }
    sum += 1000
  }
  return sum
}

/** The same in a `while` around a switch, whose count steps on every way. */
export function rounds(number: u32): u32 {
  let sum: u32 = 0
  let i: u32 = 0
  turns: while (i < 12) {
    i += 2
    switch ((number + i) % 5) {
      case 0:
        continue turns
      case 1:
        if (sum > 40) break turns
        break
      case 2:
        for (const by of [3, 5, 7]) {
          if (number % by === 0) continue turns
          if (number === by + 8) break turns
          sum += by
        }
    }
    sum += i
  }
  return sum
}

export function atLeastOnce(number: u32): u32 {
  let i: u32 = number % 20
  let rounds: u32 = 0
  do {
    i += 3
    if (i === 9) continue
    if (i > 15) break
    rounds += 1
  } while (i < 12)
  let left = 6
  do rounds += left
  while (--left > 0 && rounds < number * 3)
  return rounds * 100 + i + left
}

export function inside(number: u32): u32 {
  let rounds: u32 = 0
  let i: u32 = 0
  outer: do {
    let j: u32 = 0
    do {
      j++
      if (j === number) continue outer
      if (j + i === number * 2) break outer
      rounds += j
    } while (j < 5)
    rounds += 100
  } while (++i < 4)
  return rounds + i
}

export function steps(number: u32): u32 {
  let i = number
  const before = i++
  const after = ++i
  let sum = before * 3 + after
  sum += i-- + number * i++ + i
  if (--i > 5) sum += 7
  else if (i++ === 3) sum += 9
  switch (i++ % 3) {
    case 0:
      sum += 10
      break
    case 1:
      sum += 20
  }
  return sum + i-- * 2
}

export default dataplane(leaving, (_packet, { state, drop }) => {
  const given = state.given.get({ index: 0 })
  const ticket = state.tickets.get({ index: 0 })
  if (!given || !ticket) return drop('missing')
  const { number } = given
  let at: u32 = 0
  const set = { index: at++ }
  state.results.set(set, { number: pairs(number) })
  state.results.set({ index: at++ }, { number: rounds(number) })
  state.results.set({ index: at++ }, { number: atLeastOnce(number) })
  state.results.set({ index: at++ }, { number: inside(number) })
  state.results.set({ index: at++ }, { number: steps(number) })
  const mine = ticket.next++
  state.results.set({ index: at++ }, { number: mine })
  const next = ++ticket.next
  state.results.set({ index: at }, { number: next })
  return drop('done')
})
