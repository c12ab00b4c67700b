import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { missingCapabilities } from './capabilities.ts'
import { check, ERRNO, errnoName, failure, fileFailure } from './errno.ts'
import { describeKernel } from './fixtures.ts'
import { isTooOld, requireKernel } from './requirements.ts'

describe('what an errno says', () => {
  test.each([
    { operation: 'attach', errno: -ERRNO.EBUSY, says: 'cannot x: EBUSY (in use)\n    another program holds this hook' },
    {
      operation: 'attach',
      errno: ERRNO.ENODEV,
      says: 'cannot x: ENODEV (no such interface)\n    the interface is gone',
    },
    { operation: 'map', errno: ERRNO.E2BIG, says: 'cannot x: E2BIG (too big)\n    ask for fewer entries' },
    { operation: 'map', errno: ERRNO.ENOMEM, says: 'cannot x: ENOMEM (out of memory)\n    free some memory' },
    { operation: 'pin', errno: ERRNO.EEXIST, says: 'cannot x: EEXIST (already there)\n    something is pinned there' },
    { operation: 'program', errno: ERRNO.ENOSYS, says: 'try --machine vm' },
    { operation: 'link', errno: 9999, says: 'cannot x: errno 9999' },
  ] as const)('$operation, $errno', ({ operation, errno, says }) => {
    expect(failure(operation, 'x', errno).message).toContain(says)
  })

  test("the kernel's own words come after the errno", () => {
    expect(failure('qdisc', 'x', ERRNO.EINVAL, 'Exclusivity flag on').message).toContain(
      '(invalid argument): Exclusivity',
    )
  })

  test('what is permitted depends on the capabilities', () => {
    expect(failure('map', 'x', ERRNO.EPERM).message).toMatch(
      /EPERM \(not permitted\)\n.*(run with sudo|a policy forbids it)/,
    )
    expect(failure('mount', 'x', ERRNO.EPERM).message).toMatch(/--machine vm/)
  })

  test('a result that is no error is passed on', () => {
    expect(check(7, 'map', 'x')).toBe(7)
    expect(() => check(-ERRNO.EPERM, 'map', 'create')).toThrow('cannot create: EPERM')
  })

  test('errors of node:fs say the same', () => {
    expect(fileFailure('pin', 'x', Object.assign(new Error(), { code: 'EROFS' })).message).toContain('EROFS (read-only')
    expect(fileFailure('pin', 'x', new Error('else')).message).toContain('cannot x: Error: else')
    expect(errnoName(-2)).toBe('ENOENT')
  })
})

test.each([
  { has: 'nothing', effective: 0n, missing: ['CAP_BPF', 'CAP_NET_ADMIN'] },
  { has: 'CAP_BPF', effective: 1n << 39n, missing: ['CAP_NET_ADMIN'] },
  { has: 'CAP_NET_ADMIN', effective: 1n << 12n, missing: ['CAP_BPF'] },
  { has: 'CAP_SYS_ADMIN, which stands for CAP_BPF', effective: 1n << 21n, missing: ['CAP_NET_ADMIN'] },
  { has: 'both', effective: (1n << 39n) | (1n << 12n), missing: [] },
])('who has $has misses $missing', ({ effective, missing }) => {
  expect(missingCapabilities(['CAP_BPF', 'CAP_NET_ADMIN'], effective)).toEqual(missing)
})

test.each([
  ['4.19.0', true],
  ['5.11.22-generic', true],
  ['5.12.0', false],
  ['5.15.0-91-generic', false],
  ['6.1.0', false],
])('Linux %s is too old: %s', (version, expected) => {
  expect(isTooOld(version)).toBe(expected)
})

describeKernel('the requirements', () => {
  test('are met here', () => {
    expect(requireKernel).not.toThrow()
  })

  test('are one refusal without the capabilities', () => {
    const script = `import { requireKernel } from ${JSON.stringify(new URL('./requirements.ts', import.meta.url).href)}
      try { requireKernel() } catch (error) { console.log(error.name + ': ' + error.message) }`
    const node = [process.execPath, '--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script]
    const output = execFileSync('setpriv', ['--bounding-set=-bpf,-sys_admin', '--inh-caps=-all', ...node], {
      encoding: 'utf8',
    })
    expect(output).toMatch(
      /^Refusal: the kernel machine cannot run here: CAP_BPF is missing\n.*run with sudo; .*--machine vm/,
    )
  })
})
