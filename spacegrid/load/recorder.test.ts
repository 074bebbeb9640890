import { expect, it } from 'vitest'
import type { Answer } from '../client/index.ts'
import { Recorder } from './recorder.ts'

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
  const recorder = new Recorder(() => nowMs)
  nowMs = 900
  // Due at 400, started at 900, answered at 2400: two seconds for the user, whoever lost the first
  // half.
  recorder.arrival(400)
  const record = recorder.offer('hold', 400)
  nowMs = 2400
  record(accepted)
  expect(recorder.latency.maxValue / 1000).toBeCloseTo(2000, -1)
  expect(recorder.startDelay.maxValue / 1000).toBeCloseTo(500, -1)
  expect(recorder.seconds.map(({ offered, answered }) => ({ offered, answered }))).toEqual([
    { offered: 1, answered: 0 },
    { offered: 0, answered: 0 },
    { offered: 0, answered: 1 },
  ])
  expect(recorder.seconds[0]?.latency.totalCount).toBe(1)
})

it('accounts for every request: offered is admitted, shed and failed together', () => {
  const recorder = new Recorder(() => 10)
  for (const answer of [accepted, accepted, rejected, shed, failed]) {
    recorder.offer('hold', 5)(answer)
  }
  expect(recorder.total).toEqual({ offered: 5, admitted: 3, rejected: 1, shed: 1, failed: 1 })
  expect(recorder.operations.get('hold')).toMatchObject(recorder.total)
  expect(recorder.seconds[0]).toMatchObject(recorder.total)
  expect(recorder.attempts).toBe(8)
  expect(Object.fromEntries(recorder.reasons)).toEqual({
    'rejected: sold_out': 1,
    'shed: HTTP 503': 1,
    'failed: client saturated': 1,
  })
})

it('keeps refusals out of the latencies, since they would flatter them', () => {
  const recorder = new Recorder(() => 10)
  recorder.offer('hold', 0)(shed)
  recorder.offer('hold', 0)(failed)
  expect(recorder.latency.totalCount).toBe(0)
  expect(recorder.shedLatency.totalCount).toBe(1)
})
