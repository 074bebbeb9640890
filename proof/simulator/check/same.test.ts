import { expect, test } from 'vitest'
import { sameValue } from './same.ts'

test('what can still change is looked through each time', () => {
  const value = { a: [1, { b: 2 }] }
  const other = structuredClone(value)
  expect(sameValue(value, other)).toBe(true)
  other.a.push(3)
  expect(sameValue(value, other)).toBe(false)
  // Frozen at the top only.
  const shallow = Object.freeze({ a: [1] })
  const deep = Object.freeze({ a: Object.freeze([1]) })
  expect(sameValue(shallow, deep)).toBe(true)
  shallow.a.push(2)
  expect(sameValue(shallow, deep)).toBe(false)
  const bytes = Object.freeze({ a: new Uint8Array([1]) })
  const copy = Object.freeze({ a: new Uint8Array([1]) })
  expect(sameValue(bytes, copy)).toBe(true)
  bytes.a[0] = 2
  expect(sameValue(bytes, copy)).toBe(false)
})

test('what was found equal to one is not equal to another', () => {
  const one = Object.freeze({ a: 1 })
  expect(sameValue(one, Object.freeze({ a: 1 }))).toBe(true)
  expect(sameValue(one, Object.freeze({ a: 1 }))).toBe(true)
  expect(sameValue(one, Object.freeze({ a: 2 }))).toBe(false)
  expect(sameValue(one, undefined)).toBe(false)
})
