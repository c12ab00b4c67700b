import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Tests change the network namespace of their process, so each file has a process of its own. */
const common = { pool: 'forks', testTimeout: 60_000, hookTimeout: 60_000 } as const

export default defineConfig({
  test: {
    reporters: ['default', './scripts/reporter.ts'],
    projects: [
      {
        test: {
          ...common,
          name: 'unit',
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
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
