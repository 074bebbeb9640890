import { expect, test } from 'vitest'
import type { Execution } from './execution.ts'
import { OpenExecutions } from './open-executions.ts'

test('holds what has been added and not deleted, the oldest first', () => {
  const open = new OpenExecutions()
  const added = Array.from({ length: 6 }, (_, attempts) => ({ attempts }) as Execution)
  const expected = new Set<Execution>()
  const check = () => {
    expect(open.all()).toEqual([...expected])
    expect(open.size).toBe(expected.size)
  }
  for (const one of added) {
    open.add(one)
    expected.add(one)
    check()
  }
  // In the middle, at both ends, one that comes back, the last one.
  for (const at of [3, 0, 5, 1, 4]) {
    open.delete(added[at]!)
    expected.delete(added[at]!)
    check()
  }
  open.add(added[3]!)
  expected.add(added[3]!)
  check()
  for (const one of open.all()) open.delete(one)
  expected.clear()
  check()
  // Nothing keeps what it was among.
  expect(added.every(({ older, younger }) => older === undefined && younger === undefined)).toBe(
    true,
  )
})

test('finds the latest one with a key', () => {
  const open = new OpenExecutions()
  const [first, second] = [0, 1].map(() => ({ idempotencyKey: 'k' }) as Execution)
  expect(open.withKey('k')).toBeUndefined()
  expect(open.withKey(undefined)).toBeUndefined()
  open.add(first!)
  expect(open.withKey('k')).toBe(first)
  open.add(second!)
  expect(open.withKey('k')).toBe(second)
  open.delete(first!)
  expect(open.withKey('k')).toBe(second)
  open.delete(second!)
  expect(open.withKey('k')).toBeUndefined()
  expect(open.size).toBe(0)
})

test('knows whose time is up, whatever comes of those meanwhile', () => {
  const open = new OpenExecutions()
  const deadlines = [5, 9, 3, 7, 5]
  for (const deadline of deadlines) open.add({ deadline } as Execution)
  expect(open.expired(2)).toEqual([])
  const expired = open.expired(5)
  expect(expired.map(({ deadline }) => deadline)).toEqual([5, 3, 5])
  for (const one of expired) open.delete(one)
  expect(open.expired(9).map(({ deadline }) => deadline)).toEqual([9, 7])
  expect(open.size).toBe(2)
})
