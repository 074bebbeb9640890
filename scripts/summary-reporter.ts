import { writeSync } from 'node:fs'
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node'

/**
 * Ends a test run with `N passed, N failed` alone on the last line, for scripts and people in a
 * hurry. What keeps tests from running counts as a failure: a file that does not load, a hook that
 * throws, an error outside any test, a server that the whole run waits for.
 */
export default class SummaryReporter implements Reporter {
  #counts = { passed: 0, failed: 0, skipped: 0 }

  onInit(): void {
    // Vitest prints its own summary at the very end: the last line has to wait for the process's.
    process.once('exit', (code) => this.#print(code))
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) counts[outcome(test, module)] += 1
      counts.failed += brokenSuites(module)
    }
    this.#counts = counts
  }

  #print(exitCode: number): void {
    const { passed, failed, skipped } = this.#counts
    const atLeast = exitCode === 0 ? 0 : 1
    const tail = skipped > 0 ? `, ${skipped} skipped` : ''
    writeSync(1, `${passed} passed, ${Math.max(failed, atLeast)} failed${tail}\n`)
  }
}

function outcome(test: TestCase, module: TestModule): 'passed' | 'failed' | 'skipped' {
  const { state } = test.result()
  if (state !== 'pending') return state
  // Skipped with its whole file; or else it never got to run, and proves nothing.
  return module.state() === 'skipped' ? 'skipped' : 'failed'
}

/** The file itself and its suites that failed for a reason of their own, not for a test's. */
function brokenSuites(module: TestModule): number {
  const suites: (TestModule | TestSuite)[] = [module, ...module.children.allSuites()]
  return suites.filter((suite) => suite.errors().length > 0).length
}
