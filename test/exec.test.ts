/** `tessera vm exec`, as a process: hexadecimal text in, hexadecimal text out. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const TESSERA = join(import.meta.dirname, '../bin/tessera.js')

const exec = (input: string, ...words: readonly string[]) =>
  spawnSync(process.execPath, [TESSERA, 'vm', 'exec', ...words], { input, encoding: 'utf8' })

const SUM = `b7 00 00 00 00 00 00 00  0f 12 00 00 00 00 00 00
  71 13 00 00 00 00 00 00  0f 30 00 00 00 00 00 00
  07 01 00 00 01 00 00 00  ad 21 fc ff 00 00 00 00  95 00 00 00 00 00 00 00`
const HIGH = '180000000000000000000000EFBEADDE9500000000000000'
const EXIT = '9500000000000000'

test.each([
  ['spaces and line breaks', SUM, ['--memory', 'aa bb 0c'], '171'],
  ['no spaces, in upper case', HIGH.toUpperCase(), [], 'deadbeef00000000'],
  ['spaces within bytes', HIGH.replace(/(...)/g, '$1 '), [], 'deadbeef00000000'],
  ['0x before each byte', SUM.replace(/(\S\S)/g, '0x$1'), ['--memory', '0xAABB0C'], '171'],
  ['a load that acquires', `db10000000010000${EXIT}`, ['--memory', '0102030405060708'], '807060504030201'],
  ['memory of no bytes', EXIT, ['--memory', ''], '0'],
])('%s', (_, input, words, output) => {
  expect(exec(input, ...words)).toMatchObject({ stdout: `${output}\n`, stderr: '', status: 0 })
})

test.each([
  ['no program', ' \n', [], 'there is no program on standard input'],
  ['what is not hexadecimal', `${EXIT} q`, [], 'the program is not hexadecimal: there is "q" in it'],
  ['half a byte', '950', [], 'the program has 3 hexadecimal digits'],
  ['half an instruction', '9500', [], '2 bytes are not a program'],
  ['half a byte of memory', EXIT, ['--memory', '0x1'], '--memory has 1 hexadecimal digits'],
  ['a program that cannot be', 'b70b000000000000', [], 'instruction 0 (r11 = 0): there is no register r11'],
  [
    'a program that faults',
    `7910000000000000${EXIT}`,
    [],
    'instruction 0 (r0 = *(u64 *)(r1 +0)): reads 8 bytes at address 0',
  ],
  ['a program that does not end', '0500ffff00000000', [], 'instruction 0 (goto -1): the program ran'],
])('%s is an error', (_, input, words, says) => {
  const { stdout, stderr, status } = exec(input, ...words)
  expect({ stdout, status }).toEqual({ stdout: '', status: 1 })
  expect(stderr).toContain(says)
})

test('more than a program can be is not read to its end', () => {
  const { stderr, status } = exec(`${EXIT.repeat(70 * 2 ** 16)}`.padEnd(70 * 2 ** 20))
  expect(stderr).toContain('longer than a million instructions')
  expect(status).toBe(1)
})

test('the example of its help says what is so', () => {
  const { stdout, status } = exec('', '--help')
  expect(status).toBe(0)
  const [, memory, program, output] = /exec --memory '([^']*)' << END\n([0-9a-f\s]*)\n +END\n +(\S+)/.exec(stdout) ?? []
  expect(exec(program ?? '', '--memory', memory ?? '').stdout).toBe(`${output}\n`)
})
