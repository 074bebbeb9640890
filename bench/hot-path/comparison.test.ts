import { expect, it } from 'vitest'
import { Comparison } from './comparison.ts'
import type { Measurement, Results } from './results.ts'

const measurement = (task: string, perSecond: number, log = 'none'): Measurement => ({
  ...{ task, log, concurrency: 16, perSecond, operations: 100 },
  ...{ p50: 1, p99: 2, p999: 3, collisions: 0 },
})

const results = (measurements: readonly Measurement[], node = 'v24.0.0'): Results => ({
  ...{ startedAt: '2024-01-01T00:00:00.000Z', command: 'npm run bench', commit: 'abc' },
  machine: { cpu: 'some', cores: 2, memoryGiB: 8, platform: 'linux-x64' },
  ...{ node, entries: 10_000, timeMs: 400, runs: 3, measurements },
})

/** The new run as the program makes it: each measurement with its ratio. */
function compared(comparison: Comparison, measurements: readonly Measurement[], node?: string) {
  return results(
    measurements.map((one) => {
      const againstLast = comparison.ratio(one)
      return againstLast === undefined ? one : { ...one, againstLast }
    }),
    node,
  )
}

it('finds a measurement again by task, kind of log and concurrency', () => {
  const last = results([measurement('command', 100, 'JetStream (one version), synced')])
  const comparison = new Comparison(last)
  expect(comparison.ratio(measurement('command', 150, 'JetStream (another)'))).toBe(1.5)
  expect(comparison.ratio(measurement('command', 150, 'embedded'))).toBeUndefined()
  const elsewhere = { ...measurement('command', 150, 'JetStream'), concurrency: 4 }
  expect(comparison.ratio(elsewhere)).toBeUndefined()
})

it('names what has become slower and faster, and keeps silent about noise', () => {
  const comparison = new Comparison(
    results([measurement('query', 100), measurement('entry', 100), measurement('command', 100)]),
  )
  const now = [measurement('query', 50), measurement('entry', 200), measurement('command', 95)]
  const text = comparison.summary(compared(comparison, now)).join('\n')
  expect(text).toContain('0.98 times the rates in the mean of 3')
  expect(text).toMatch(
    /Slower:\n {2}0\.50 {2}query, none, 16 at a time\nFaster:\n {2}2\.00 {2}entry/,
  )
  expect(text).not.toContain('command,')
})

it('says when the two were measured on different machines or versions', () => {
  const comparison = new Comparison(results([measurement('query', 100)]))
  const same = compared(comparison, [measurement('query', 100)])
  expect(comparison.summary(same).join('\n')).not.toContain('then:')
  const other = compared(comparison, [measurement('query', 100)], 'v26.0.0')
  expect(comparison.summary(other).join('\n')).toMatch(/then: .*v24\.0\.0.*\n {2}now: .*v26\.0\.0/)
})

it('says when there is nothing to compare with', () => {
  expect(new Comparison(undefined).summary(results([]))[0]).toContain('No results are committed')
  const comparison = new Comparison(results([measurement('query', 100)]))
  expect(comparison.summary(results([measurement('other', 1)]))[0]).toContain('Nothing in common')
})
