import { expect, test } from 'vitest'
import type { Measured } from '../measured.ts'
import { judge, parseThreshold } from './threshold.ts'

const counts = { offered: 200, admitted: 190, rejected: 20, shed: 8, failed: 2 }
const latencyMs = { p50: 10, p90: 20, p99: 99.5, p999: 150, max: 400 }
const none = { p50: null, p90: null, p99: null, p999: null, max: null }
const run = {
  total: counts,
  latencyMs,
  arrivals: 100,
  scheduledSeconds: 10,
  generator: { planned: 100, late: 3, secondsBehind: [] },
  operations: {
    confirmHold: { ...counts, failed: 0, latencyMs },
    releaseHold: { offered: 0, admitted: 0, rejected: 0, shed: 0, failed: 0, latencyMs: none },
  },
} as unknown as Measured

const judged = (text: string) => judge(parseThreshold(text), run)

test.each([
  ['p99<100ms', true, '99.5ms'],
  ['p99<99.5ms', false, '99.5ms'],
  ['p99<=99.5ms', true, '99.5ms'],
  ['p99.9<0.1s', false, '150ms'],
  ['max > 1s', false, '400ms'],
  ['shed<4%', false, '4%'],
  ['shed<=4%', true, '4%'],
  ['failed=0', false, '2'],
  ['confirmHold:failed=0', true, '0'],
  ['admitted>=19/s', true, '19/s'],
  ['late<5%', true, '3%'],
  ['offered>=200', true, '200'],
])('%s: %s, by %s', (threshold, passed, measured) => {
  expect(judged(threshold)).toEqual({ threshold, passed, measured })
})

test('what was not measured keeps to nothing', () => {
  expect(judged('releaseHold:p99<1s')).toMatchObject({
    passed: false,
    measured: 'nothing was measured',
  })
  expect(judged('releaseHold:failed<1%').passed).toBe(false)
  expect(judged('confirmHolds:failed=0')).toMatchObject({
    passed: false,
    measured: 'nobody asked for confirmHolds: there were confirmHold, releaseHold',
  })
  // Lateness is the generator's, not an operation's.
  expect(judged('confirmHold:late=0').passed).toBe(false)
})
