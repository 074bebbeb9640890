import { expect, test } from 'vitest'
import { packMessage } from '../wire/sealed-message.ts'
import { decodeLoad, encodeLoad, type LoadTold } from './load-told.ts'

const log = {
  ...{ partition: 7, answered: 1000, shed: 3, pending: 12, limit: 16_384 },
  ...{ delayMs: 4, tripMs: 2.5, tripMsLeast: 1.25, queriesWaiting: 0, hotKeys: 1 },
}
const told: LoadTold = {
  ...{ id: 123_456_789, name: 'ticketing-1', role: 'unit', ready: true, full: false },
  ...{ busyMs: 120.5, idleMs: 879.5, logs: [log] },
}
const fields: unknown[] = [1, 'unit-1', 'unit', true, false, 1, 2, []]

test('what a unit tells of its load comes out as it went in', () => {
  expect(decodeLoad(encodeLoad(told))).toEqual(told)
})

test.each([
  ['no list', {}],
  ['no name', fields.with(1, '')],
  ['a name that is no text', fields.with(1, 7)],
  ['ready that is no boolean', fields.with(3, 1)],
  ['less than no time', fields.with(5, -1)],
  ['no end of time', fields.with(6, Number.POSITIVE_INFINITY)],
  ['logs that are none', fields.with(7, [[1, 2]])],
  ['a partition that there cannot be', fields.with(7, [[5000, 0, 0, 0, 0, 0, 0, 0, 0, 0]])],
  ['half a partition', fields.with(7, [[0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0]])],
])('%s is no load', (_, item) => {
  expect(decodeLoad(packMessage(1, item))).toBeUndefined()
})

test('bytes of another format, or of nobody, are no load', () => {
  expect(decodeLoad(packMessage(2, fields))).toBeUndefined()
  expect(decodeLoad(Buffer.from('{"busy": 1}'))).toBeUndefined()
})

test('a later version may tell more', () => {
  const more = fields.with(7, [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]])
  expect(decodeLoad(packMessage(1, [...more, 'more']))).toMatchObject({
    logs: [{ answered: 1, hotKeys: 9 }],
  })
})
