/** What instructions are tried with. */
import { ALU, JMP } from '../../isa/opcodes.ts'
import type { Arithmetic, AtomicOperation, Condition } from '../assemble.ts'

/** Numbers at which halves, signs, carries and shifts change. */
export const EDGES: readonly bigint[] = [
  0n,
  1n,
  2n,
  7n,
  31n,
  32n,
  33n,
  63n,
  64n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x1_0000_0001n,
  0xffff_ffff_0000_0000n,
  0x0123_4567_89ab_cdefn,
  0xfedc_ba98_7654_3210n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0x8000_0000_0000_0001n,
  0xffff_ffff_8000_0000n,
  0xffff_ffff_7fff_ffffn,
  0xffff_ffff_ffff_fffen,
  0xffff_ffff_ffff_ffffn,
]

export const IMMEDIATES = [0, 1, 2, 31, 32, 63, 0x7f, 0x80, 0xffff, 0x7fff_ffff, -0x8000_0000, -2, -1]

const SIGNED: readonly Arithmetic[] = ['sdiv', 'smod']
export const OPERATIONS = [
  ...(Object.keys(ALU) as (keyof typeof ALU)[]).filter((name) => name !== 'end' && name !== 'neg'),
  ...SIGNED,
] as Arithmetic[]
export const CONDITIONS = (Object.keys(JMP) as (keyof typeof JMP)[]).filter(
  (name): name is Condition => name !== 'ja' && name !== 'call' && name !== 'exit',
)
export const ATOMICS: readonly AtomicOperation[] = [
  'add',
  'or',
  'and',
  'xor',
  'fetch_add',
  'fetch_or',
  'fetch_and',
  'fetch_xor',
  'xchg',
  'cmpxchg',
]
