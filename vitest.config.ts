import { defineConfig } from 'vitest/config'

/** Tests change the network namespace of their process, so each file has a process of its own. */
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ['default', './scripts/reporter.ts'],
  },
})
