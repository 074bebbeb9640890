import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { expect, test } from 'vitest'
import { dataFault, takeData } from '../../core/data.ts'
import { messagePack } from './message-pack.ts'

const name = fc.oneof(
  fc.string(),
  fc.constantFrom('__proto__', '__proto_', '__proto_~', '__proto__~', 'constructor', ''),
)
const scalar = fc.oneof(
  fc.constantFrom(null, true, false, 0, -0, 2 ** 53, -(2 ** 60), 5e-324, Number.MAX_VALUE),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string({ unit: 'binary' }),
  fc.date({ noInvalidDate: true }),
  fc.constantFrom(new Date(8.64e15), new Date(-8.64e15), new Date(-1)),
  fc.uint8Array(),
  fc.float64Array(),
  fc.int16Array(),
  fc.uint8ClampedArray(),
  fc.float32Array(),
)
const data = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    scalar,
    fc.array(tie('any'), { maxLength: 4 }),
    fc
      .array(fc.tuple(name, tie('any')), { maxLength: 4 })
      .map((members) => Object.fromEntries(members)),
  ),
})).any

test('everything that can be kept comes back as it was taken, in its class and under its name', () => {
  fc.assert(
    fc.property(data, (given) => {
      const fault = dataFault(given)
      if (fault) return expect(fault.problem).toMatch(/Unicode|surrogate|U\+0000/)
      const taken = takeData(given)
      const packed = messagePack.pack(taken)
      for (const bytes of [packed, new Uint8Array(packed)])
        expect(isDeepStrictEqual(messagePack.unpack(bytes), taken)).toBe(true)
    }),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 1000) },
  )
})

test('what was packed without marks is read as ever', () => {
  const before = new Packr({ useRecords: false, variableMapSize: true, copyBuffers: true })
  const value = { a: [1, 'two', null], when: new Date(5), at: -1.5 }
  expect(messagePack.unpack(before.pack(value))).toEqual(value)
})
