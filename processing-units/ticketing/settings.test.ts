import { expect, test } from 'vitest'
import { readTicketingSettings } from './settings.ts'

test('holds last two minutes unless HOLD_MS says otherwise', () => {
  expect(readTicketingSettings({})).toEqual({
    ...{ holdMs: 120_000, archiveOrdersMs: 0, partitions: 1 },
  })
  expect(readTicketingSettings({ HOLD_MS: '500' })).toMatchObject({ holdMs: 500 })
})

test.each(['0', '1025', '1.5', 'many'])('PARTITIONS=%s is refused in one line', (value) => {
  expect(readTicketingSettings({ PARTITIONS: '16' })).toMatchObject({ partitions: 16 })
  expect(() => readTicketingSettings({ PARTITIONS: value })).toThrow(
    `PARTITIONS=${JSON.stringify(value)}: allowed is an integer from 1 to 1024`,
  )
})

test.each(['0', '2147483648', '2m', '1.5'])('HOLD_MS=%s is refused in one line', (value) => {
  expect(() => readTicketingSettings({ HOLD_MS: value })).toThrow(
    `HOLD_MS=${JSON.stringify(value)}: allowed is an integer from 1 to 2147483647 (ms)`,
  )
})

test.each(['-1', '3153600000001', '1d'])('ARCHIVE_ORDERS_MS=%s is refused in one line', (value) => {
  expect(readTicketingSettings({ ARCHIVE_ORDERS_MS: '5' })).toMatchObject({ archiveOrdersMs: 5 })
  expect(() => readTicketingSettings({ ARCHIVE_ORDERS_MS: value })).toThrow(
    `ARCHIVE_ORDERS_MS=${JSON.stringify(value)}: allowed is an integer from 0 to 3153600000000 (ms; 0: never)`,
  )
})
