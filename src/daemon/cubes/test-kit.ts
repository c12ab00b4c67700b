/**
 * What the tests of a cube import as `vitest`, where they are run before it is added: its runner and its matchers by themselves,
 * which are a hundredth of it. What needs the rest, such as snapshots and mocked modules, is not here.
 */
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  ChaiStyleAssertions,
  chai,
  customMatchers,
  type ExpectStatic,
  GLOBAL_EXPECT,
  getState,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from '@vitest/expect'
import { fn, spyOn } from '@vitest/spy'

export {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  it,
  onTestFailed,
  onTestFinished,
  suite,
  test,
} from '@vitest/runner'

export const vi = { fn, spyOn }

for (const plugin of [JestExtend, JestChaiExpect, ChaiStyleAssertions, JestAsymmetricMatchers]) chai.use(plugin)

const globals: Record<PropertyKey, unknown> = globalThis as never

/** What {@link JestExtend} has added. */
const extensible = chai.expect as unknown as { extend: (expect: object, matchers: object) => void }

function assertionOf(value: unknown, message?: string) {
  setState({ assertionCalls: getState(expect).assertionCalls + 1 }, expect)
  return chai.expect(value, message)
}

export const expect = Object.assign(assertionOf, chai.expect, globals[ASYMMETRIC_MATCHERS_OBJECT], {
  getState: () => getState(expect),
  setState: (state: Parameters<typeof setState>[0]) => setState(state, expect),
  extend: (matchers: object) => extensible.extend(expect, matchers),
  assert: chai.assert,
  assertions: (count: number) => setState({ expectedAssertionsNumber: count }, expect),
  hasAssertions: () => setState({ isExpectingAssertions: true }, expect),
  unreachable: (message = 'this') => chai.assert.fail(`${message} was not expected to be reached`),
}) as unknown as ExpectStatic

globals[GLOBAL_EXPECT] = expect
expect.extend(customMatchers)
beginTest('')

/** What a test before has expected is none of the next one's. */
export function beginTest(currentTestName: string): void {
  const none = { isExpectingAssertions: false, isExpectingAssertionsError: null, expectedAssertionsNumber: null }
  setState({ ...none, assertionCalls: 0, currentTestName }, expect)
}

/** An Error where there were not as many assertions as the test has said. */
export function endTest(): void {
  const { assertionCalls: found, expectedAssertionsNumber: expected, isExpectingAssertions } = getState(expect)
  if (expected != null && found !== expected) throw new Error(`${expected} assertions were expected, and ${found} made`)
  if (isExpectingAssertions && found === 0) throw new Error('assertions were expected, and none made')
}
