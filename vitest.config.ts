import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import type { InlineConfig } from 'vitest/node'
import { OWN_TMPDIR, transformed } from './test/setup/places.ts'

/** Tests change the network namespace of their process, so each file has a process of its own. */
const common = {
  pool: 'forks',
  // Most files are over before it pays to optimise what they run (what stays hot is optimised all the same), or to collect what they leave.
  execArgv: ['--interrupt-budget=4000000', '--min-semi-space-size=16'],
  // On a machine that may be busy.
  testTimeout: 180_000,
  hookTimeout: 180_000,
  expect: { poll: { timeout: 60_000, interval: 20 } },
  env: { TMPDIR: OWN_TMPDIR },
  globalSetup: ['test/setup/run.ts'],
} satisfies InlineConfig

const fsModuleCachePath = transformed()

export default defineConfig({
  test: {
    experimental: fsModuleCachePath === undefined ? {} : { fsModuleCache: true, fsModuleCachePath },
    reporters: ['default', './scripts/reporter.ts'],
    projects: [
      {
        test: {
          ...common,
          name: 'unit',
          setupFiles: ['test/setup/compiled.ts'],
          maxWorkers: availableParallelism(),
          include: ['**/*.test.ts'],
          exclude: ['**/node_modules/**', 'test/e2e/**'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        // One after the other, and after all others: they compare the whole host before and after.
        test: {
          ...common,
          name: 'e2e',
          include: ['test/e2e/*.test.ts'],
          setupFiles: ['test/setup/instance.ts'],
          globalSetup: [...common.globalSetup, 'test/setup/host.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
