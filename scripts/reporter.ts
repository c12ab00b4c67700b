import type { Reporter, TestCase, TestModule } from 'vitest/node'

/** After vitest's own report: every skipped test with its reason, and the line that machines read, last. */
export default class Summary implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const count = (state: string) => tests.filter((test) => test.result().state === state).length
    const broken = modules.filter((module) => module.errors().length > 0).length
    const skipped = tests.filter((test) => test.result().state === 'skipped')
    const lines = skipped.map((test) => `skipped: ${test.module.relativeModuleId}: ${test.fullName}${reason(test)}`)
    const failed = count('failed') + broken + errors.length
    // After the other reporters have had their say.
    process.on('exit', () => {
      for (const line of lines) process.stdout.write(`${line}\n`)
      process.stdout.write(
        `${count('passed')} passed, ${failed} failed${lines.length > 0 ? `, ${lines.length} skipped` : ''}\n`,
      )
    })
  }
}

function reason(test: TestCase): string {
  const result = test.result()
  const note = result.state === 'skipped' ? result.note : undefined
  return note === undefined ? '' : ` (${note})`
}
