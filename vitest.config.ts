import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const onRealServers = ['nats', 'mongodb', 'redis', 'servers'].map(
  (server) => `**/*.${server}.test.ts`,
)
const endToEnd = ['tests/**/*.test.ts', 'proof/{faults,chaos,support}/**/*.test.ts']
const staticChecks = [
  'scripts/static-checks.test.ts',
  'scripts/type-messages.test.ts',
  'scripts/docs-blocks.test.ts',
]

/** By default one core is left alone, which is half of a small machine. */
const maxWorkers = Math.max(2, availableParallelism() - 1)

const withServers = {
  globalSetup: ['proof/support/shared-servers.ts'],
  runner: 'proof/support/missing-server-runner.ts',
  setupFiles: ['proof/support/logs-of-failed-tests.ts'],
  // A busy machine with two cores, a server that recovers after a kill.
  testTimeout: 60_000,
  hookTimeout: 60_000,
  expect: { poll: { timeout: 10_000 } },
}

export default defineConfig({
  test: {
    reporters: ['default', './scripts/summary-reporter.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          // They share nothing that could be left behind, and loading everything anew for each file
          // takes half of their time.
          isolate: false,
          maxWorkers,
          // What they do is bounded; how long it takes is the machine's business.
          testTimeout: 60_000,
          include: ['**/*.test.ts'],
          exclude: ['**/node_modules/**', ...staticChecks, ...endToEnd, ...onRealServers],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'static',
          include: staticChecks,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'integration',
          include: onRealServers,
          exclude: ['**/node_modules/**', ...endToEnd],
          maxWorkers,
          sequence: { groupOrder: 2 },
          ...withServers,
        },
      },
      {
        test: {
          // Several processes each. One file more would fill the third of the time in which they
          // wait, and leave those that measure time themselves without any.
          name: 'end-to-end',
          include: endToEnd,
          maxWorkers,
          // Where tests of one file run at once each has servers of its own, whose health checks
          // must not starve.
          maxConcurrency: 2,
          sequence: { groupOrder: 3 },
          ...withServers,
        },
      },
    ],
  },
})
