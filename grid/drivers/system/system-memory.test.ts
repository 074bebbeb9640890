import { expect, onTestFinished, test } from 'vitest'
import { SystemMemory } from './system-memory.ts'

const mebibyte = 1024 * 1024

function memoryOf(budgetBytes?: number): SystemMemory {
  const memory = new SystemMemory(budgetBytes)
  onTestFinished(() => memory.close())
  return memory
}

/** Objects, so that they are in the heap. */
const filled = (megabytes: number): unknown[] =>
  Array.from({ length: megabytes * 1024 }, () => Array.from({ length: 128 }, () => 0.5))

test('far below the budget everything in use counts', () => {
  const memory = memoryOf()
  const kept = filled(64)
  expect(memory.usedBytes()).toBeGreaterThan(64 * mebibyte)
  expect(kept).toHaveLength(64 * 1024)
})

test('near the budget what lives counts, and garbage does not', () => {
  // The test itself takes more than that.
  const budget = 8 * mebibyte
  const memory = memoryOf(budget)
  let kept: unknown[] | undefined = filled(24)
  const withKept = memory.usedBytes()
  expect(withKept).toBeGreaterThan(24 * mebibyte)
  expect(kept).toHaveLength(24 * 1024)
  kept = undefined
  // A memory that has not collected yet may do so at once.
  expect(memoryOf(budget).usedBytes()).toBeLessThan(withKept - 16 * mebibyte)
})

test('buffers count beyond the quarter that is theirs', () => {
  const memory = memoryOf(1024 * mebibyte)
  const before = memory.usedBytes()
  const within = Buffer.allocUnsafe(64 * mebibyte)
  expect(memory.usedBytes() - before).toBeLessThan(32 * mebibyte)
  const beyond = Buffer.allocUnsafe(512 * mebibyte)
  expect(memory.usedBytes() - before).toBeGreaterThan(128 * mebibyte)
  expect(within.byteLength + beyond.byteLength).toBe(576 * mebibyte)
})
