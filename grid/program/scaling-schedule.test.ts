import { expect, test } from 'vitest'
import { readEnvironment } from './environment.ts'
import { dueSale, readSchedule } from './scaling-schedule.ts'

const text =
  '2026-12-01T10:00:00+01:00 6 ahead 10m for 2h; 2026-12-01T09:30Z 8 for 600s; 2027-01-01T00:00Z 2;'

test('times, units, how long ahead and how long behind', () => {
  const at = Date.parse('2026-12-01T09:00:00Z')
  expect(readSchedule(text)).toEqual([
    { at, units: 6, aheadMs: 600_000, forMs: 7_200_000 },
    { at: at + 1_800_000, units: 8, aheadMs: 300_000, forMs: 600_000 },
    { at: Date.parse('2027-01-01T00:00:00Z'), units: 2, aheadMs: 300_000, forMs: 3_600_000 },
  ])
})

test('the one that wants most is due, from so long ahead to so long behind', () => {
  const schedule = readSchedule(text) ?? []
  const unitsAt = (time: string) => dueSale(schedule, Date.parse(time))?.units
  expect(
    ['08:49:59', '08:50:00', '09:26:00', '09:40:00', '10:59:59', '11:00:00'].map((time) =>
      unitsAt(`2026-12-01T${time}Z`),
    ),
  ).toEqual([undefined, 6, 8, 6, 6, undefined])
})

test.each([
  '10:00 6',
  '2026-12-01T10:00 6',
  '2026-12-01T10:00Z',
  '2026-12-01T10:00Z 0',
  '2026-13-01T10:00Z 6',
  '2026-12-01T10:00Z 6 for 2 hours',
  '2026-12-01T10:00Z 6 for 2h ahead 5m',
  '2026-12-01T10:00Z 6;;2026-12-01T10:00Z 6',
  Array.from({ length: 101 }, () => '2026-12-01T10:00Z 6').join(';'),
])('%s is no schedule', (wrong) => {
  expect(readSchedule(wrong)).toBeUndefined()
})

test('what the deployment manager cannot use ends it, in one line', () => {
  const read = (variables: Record<string, string>) => () => readEnvironment([], variables)
  expect(read({ SCALING_SCHEDULE: 'soon' })).toThrow(/^SCALING_SCHEDULE="soon": allowed is up to/)
  expect(read({ UNITS_MIN: '9' })).toThrow('UNITS_MIN=9 is more than UNITS_MAX=8')
  expect(read({ UNITS_MAX: '0' })).toThrow('UNITS_MAX="0": allowed is an integer from 1 to 1024')
  expect(read({ SCALING_DRIVER: 'magic' })).toThrow('SCALING_DRIVER="magic": allowed is')
})
