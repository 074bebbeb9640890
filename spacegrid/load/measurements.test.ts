import { expect, it } from 'vitest'
import type { Answer } from '../client/index.ts'
import { summarize } from './measured.ts'
import { latencyBucketMs, Measurements } from './measurements.ts'

const accepted: Answer = { kind: 'accepted', result: {}, position: 1, attempts: 1 }
const rejected: Answer = { kind: 'rejected', reason: 'sold_out', details: {}, attempts: 1 }
const shed: Answer = { kind: 'shed', reason: 'HTTP 503', outcomeUnknown: false, attempts: 4 }
const failed: Answer = {
  kind: 'failed',
  reason: 'client saturated',
  outcomeUnknown: false,
  attempts: 1,
}

it('measures from the intended start, in the second of the intended start', () => {
  let nowMs = 0
  const measurements = new Measurements(() => nowMs)
  nowMs = 900
  // Due at 400, started at 900, answered at 2400: two seconds for the user, whoever lost the first
  // half.
  measurements.arrival(400)
  const record = measurements.offer('hold', 400)
  nowMs = 2400
  record(accepted)
  expect(measurements.latency.maxValue / 1000).toBeCloseTo(2000, -1)
  expect(measurements.startDelay.maxValue / 1000).toBeCloseTo(500, -1)
  // The generator was behind, in the second in which the user was due.
  expect(measurements.late).toBe(1)
  expect(measurements.seconds[0]).toMatchObject({ started: 1, late: 1 })
  expect(measurements.seconds.map(({ offered, answered }) => ({ offered, answered }))).toEqual([
    { offered: 1, answered: 0 },
    { offered: 0, answered: 0 },
    { offered: 0, answered: 1 },
  ])
  expect(measurements.seconds[0]?.latency.totalCount).toBe(1)
})

it('accounts for every request: offered is admitted, shed and failed together', () => {
  const measurements = new Measurements(() => 10)
  for (const answer of [accepted, accepted, rejected, shed, failed]) {
    measurements.offer('hold', 5)(answer)
  }
  expect(measurements.total).toEqual({ offered: 5, admitted: 3, rejected: 1, shed: 1, failed: 1 })
  expect(measurements.operations.get('hold')).toMatchObject(measurements.total)
  expect(measurements.seconds[0]).toMatchObject(measurements.total)
  expect(measurements.attempts).toBe(8)
  expect(Object.fromEntries(measurements.reasons)).toEqual({
    'rejected: sold_out': 1,
    'shed: HTTP 503': 1,
    'failed: client saturated': 1,
  })
})

it('tells every operation and every reason apart, second by second', () => {
  let nowMs = 0
  const measurements = new Measurements(() => nowMs)
  const ask = (operation: string, dueMs: number, tookMs: number, answer: Answer) => {
    nowMs = dueMs
    const record = measurements.offer(operation, dueMs)
    nowMs = dueMs + tookMs
    record(answer)
  }
  ask('hold', 100, 20, accepted)
  ask('hold', 200, 40, accepted)
  ask('confirm', 300, 900, accepted)
  ask('hold', 1500, 5, shed)
  const { seconds } = summarize(
    {
      ...{ url: '', application: 'a', profile: 'steady', startedAt: '', runId: '', options: {} },
      ...{ interrupted: false, scheduledSeconds: 2, plannedBySecond: [4, 1.25] },
      servers: { processes: [] },
    },
    measurements,
    [],
  )
  expect(seconds[0]).toMatchObject({ offered: 3, planned: 4, reasons: {} })
  expect(seconds[0]?.operations).toMatchObject({
    hold: { offered: 2, admitted: 2, p50: 20, p99: 40 },
    confirm: { offered: 1, p50: 900 },
  })
  expect(seconds[1]).toMatchObject({ planned: 1.3, reasons: { 'shed: HTTP 503': 1 } })
  expect(seconds[1]?.operations).toMatchObject({ hold: { shed: 1, admitted: 0, p50: null } })
})

it('counts latencies in buckets that double four by four', () => {
  let nowMs = 0
  const measurements = new Measurements(() => nowMs)
  for (const tookMs of [0.01, 0.1, 0.2, 1000]) {
    const record = measurements.offer('hold', nowMs)
    nowMs += tookMs
    record(accepted)
  }
  const filled = Object.entries(measurements.buckets).map(([at, count]) => [
    latencyBucketMs(Number(at)),
    count,
  ])
  expect(filled.slice(0, 2)).toEqual([
    [0.1, 2],
    [0.2, 1],
  ])
  expect(filled[2]?.[0]).toBeGreaterThan(800)
  expect(filled[2]?.[0]).toBeLessThanOrEqual(1000)
})

it('keeps refusals out of the latencies, since they would flatter them', () => {
  const measurements = new Measurements(() => 10)
  measurements.offer('hold', 0)(shed)
  measurements.offer('hold', 0)(failed)
  expect(measurements.latency.totalCount).toBe(0)
  expect(measurements.shedLatency.totalCount).toBe(1)
})
