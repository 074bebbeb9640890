import { GridError, isGridError, Rejection } from '@spacegrid/grid/core/errors'
import { traceOf } from '@spacegrid/grid/doors/request/trace'
import { messagePack } from '@spacegrid/grid/engine/wire/message-pack'
import { packMessage } from '@spacegrid/grid/engine/wire/sealed-message'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  type PassedRequest,
} from './passed-request.ts'

const request: PassedRequest = {
  ...{ kind: 'command', partition: 7, name: 'add', input: { id: 'a', n: 0.1, deep: [null, 1.5] } },
  ...{ idempotencyKey: 'key', acknowledge: 'persisted', position: 12, latest: true },
  withinMs: 250,
  caller: {
    name: 'somebody',
    origin: { door: 'http', address: '10.0.0.1', credential: 'Bearer secret' },
  },
}

const errorOf = (error: GridError): GridError => {
  const passed = decodeAnswer(encodeAnswer({ kind: 'error', error }))
  if (passed.kind !== 'error') throw new Error('it is no error any more')
  return passed.error
}

test('a request arrives as it was sent, without the credential', () => {
  const arrived = decodeRequest(encodeRequest(request))
  expect(arrived).toMatchObject({ ...request, caller: { name: 'somebody' } })
  expect(arrived.caller?.origin).toEqual({
    ...{ door: 'http', address: '10.0.0.1', credential: undefined, trace: undefined },
  })
  const bare: PassedRequest = { kind: 'entry', partition: 0, name: 'seats', input: 'A-1' }
  expect(decodeRequest(encodeRequest(bare))).toMatchObject(bare)
})

test('what it is known under goes with it, and what is done there belongs to that', () => {
  const trace = traceOf('order-7', undefined)
  const origin = { door: 'nats', address: undefined, credential: undefined, trace } as const
  const arrived = decodeRequest(encodeRequest({ ...request, caller: { name: undefined, origin } }))
  expect(arrived.caller?.origin.trace).toEqual(trace)
})

test('what is answered comes back as it was', () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      // What is written as JSON knows no negative zero.
      const answer: unknown = JSON.parse(JSON.stringify(JSON.parse(json)))
      expect(decodeAnswer(encodeAnswer({ kind: 'answer', answer }))).toEqual({
        kind: 'answer',
        answer,
      })
    }),
  )
  for (const answer of [undefined, Number.NaN, { a: undefined }])
    expect(decodeAnswer(encodeAnswer({ kind: 'answer', answer }))).toEqual({
      kind: 'answer',
      answer,
    })
  expect(decodeAnswer(encodeAnswer({ kind: 'elsewhere' }))).toEqual({ kind: 'elsewhere' })
})

describe('errors', () => {
  test('a rejection with details that are called as its own fields are', () => {
    const details = { code: 'mine', message: 'too', reason: 5, retryAfterMs: 'x', seats: ['A-1'] }
    const arrived = errorOf(new Rejection('seat_unavailable', details)) as Rejection
    expect(arrived).toBeInstanceOf(Rejection)
    expect(arrived.reason).toBe('seat_unavailable')
    expect(arrived.details).toEqual(details)
  })

  test('a GridError with its code, message, details and when to ask again', () => {
    const error = new GridError('overloaded', 'Too much', {
      ...{ details: { waiting: 3 }, retryAfterMs: 12.5 },
    })
    expect(errorOf(error)).toMatchObject({
      ...{ code: 'overloaded', message: 'Too much', details: { waiting: 3 }, retryAfterMs: 13 },
    })
  })

  test('a code of a newer version is internal', () => {
    const packed = messagePack.pack({})
    const data = packMessage(1, [1, 'of_tomorrow', 'text', packed, null, null])
    expect(decodeAnswer(data)).toMatchObject({ error: { code: 'internal', message: 'text' } })
  })
})

test('whatever comes is a request, or a GridError: no message ends a unit', () => {
  const bomb = Buffer.concat([Buffer.alloc(100_000, 0x91), Buffer.from([0])])
  const fields = [0, 1, 'add', bomb, null, 0, null, false, null, null]
  const whole = encodeRequest(request)
  const damaged = (at: number, by: number) => {
    const bytes = Uint8Array.from(whole)
    bytes[at] = (bytes[at] as number) ^ by
    return bytes
  }
  fc.assert(
    fc.property(
      fc.oneof(
        fc.constant(packMessage(1, fields)),
        fc.uint8Array({ maxLength: 64 }),
        fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
          return damaged(at, by)
        }),
        fc.array(fc.anything(), { maxLength: 10 }).map((item) => packMessage(1, item)),
      ),
      (data) => {
        for (const decode of [decodeRequest, decodeAnswer])
          try {
            decode(data)
          } catch (error) {
            if (!isGridError(error)) throw error
          }
      },
    ),
    { numRuns: 500 },
  )
})
