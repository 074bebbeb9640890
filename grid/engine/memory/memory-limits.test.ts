import { expect, test } from 'vitest'
import { limitsWithin, sharedLimits } from './memory-limits.ts'

const mebibyte = 1024 * 1024
const whole = limitsWithin(2048 * mebibyte)

test('a process that serves one log gives it everything', () => {
  expect(sharedLimits(whole, 1)).toEqual(whole)
})

test('logs of one process share what is on its way, and each has enough to go on', () => {
  const shared = sharedLimits(whole, 16)
  expect(shared).toMatchObject({
    windowBytesMax: mebibyte / 2,
    feedBytesMax: 2 * mebibyte,
    snapshotBytesMax: 8 * mebibyte,
    scanBytesMax: mebibyte,
    // A transaction is as large as it is, however many logs there are.
    transactionBytesMax: whole.transactionBytesMax,
  })
  expect(sharedLimits(whole, 1024).feedBytesMax).toBe(mebibyte)
})

test('a small process gives no log more than it has', () => {
  const small = limitsWithin(32 * mebibyte)
  expect(sharedLimits(small, 1024).windowBytesMax).toBeLessThanOrEqual(small.windowBytesMax)
})
