import fc from 'fast-check'
import { expect, test } from 'vitest'
import { traceFields, traceOf } from './trace.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const parent = '00f067aa0ba902b7'
const wellFormed = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[01]$/

test('a trace that is well formed goes on, as a span of its own', () => {
  const trace = traceOf('order-7', `00-${traceId}-${parent}-01`)
  expect(trace.requestId).toBe('order-7')
  expect(trace.traceparent).toMatch(wellFormed)
  expect(trace.traceparent).toMatch(new RegExp(`^00-${traceId}-(?!${parent}).{16}-01$`))
  expect(traceFields(trace)).toEqual({ requestId: 'order-7', traceId })
})

test('of a later version counts what this one knows', () => {
  const later = traceOf(undefined, `cc-${traceId}-${parent}-ff-what-will-be`)
  expect(later.traceparent).toMatch(new RegExp(`^00-${traceId}-.{16}-01$`))
  expect(later.requestId).toBe(traceId)
})

test.each([
  '',
  'x',
  `00-${traceId}-${parent}`,
  `00-${traceId}-${parent}-01-more`,
  `ff-${traceId}-${parent}-01`,
  `00-${'0'.repeat(32)}-${parent}-01`,
  `00-${traceId}-${'0'.repeat(16)}-01`,
  `00-${traceId.toUpperCase()}-${parent}-01`,
  `00-${traceId}-${parent}-01, 00-${traceId}-${parent}-01`,
])('%j is no trace: one is made', (text) => {
  const trace = traceOf(undefined, text)
  expect(trace.traceparent).toMatch(wellFormed)
  expect(trace.traceparent).not.toContain(traceId)
})

test('whatever is sent, what comes back is well formed', () =>
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (id, parent) => {
      const trace = traceOf(id, parent)
      expect(trace.traceparent).toMatch(wellFormed)
      expect(trace.requestId).toMatch(/^[\x21-\x7e]{1,128}$/)
    }),
  ))

test('no two requests are known under one id', () => {
  const made = Array.from({ length: 10_000 }, () => traceOf(undefined, undefined))
  expect(new Set(made.map(({ requestId }) => requestId)).size).toBe(made.length)
  expect(new Set(made.map(({ traceparent }) => traceparent.slice(36, 52))).size).toBe(made.length)
})
