import { GridError } from '@spacegrid/grid/core/errors'
import { expect, test } from 'vitest'
import { ApiKeys, makeApiKey } from './api-keys.ts'

const now = 1_700_000_000_000

function refusalOf(keys: ApiKeys, text: string): unknown {
  try {
    keys.identity(text)
  } catch (error) {
    if (error instanceof GridError) return error.details.reason
    throw error
  }
  throw new Error('was taken')
}

test('a key names its caller, and nothing of it is kept', () => {
  const { text, record } = makeApiKey('shop', ['seller'], { now })
  expect(JSON.stringify(record)).not.toContain(text.slice(17))
  const keys = new ApiKeys([record], () => now)
  expect(keys.identity(text)).toMatchObject({ name: 'shop', kind: 'key', roles: ['seller'] })
})

test('no other text of the same length is taken', () => {
  const { text, record } = makeApiKey('shop', [], { now })
  const keys = new ApiKeys([record], () => now)
  for (let at = 0; at < text.length; at++)
    for (const letter of ['a', 'Z', '0', '_'])
      if (text[at] !== letter)
        expect(refusalOf(keys, text.slice(0, at) + letter + text.slice(at + 1))).toBe('invalid')
})

test('a key that is taken back, has expired or changed its roles is another one', () => {
  let time = now
  const expiresAt = new Date(now + 1000).toISOString()
  const [kept, gone, changed, ends] = [
    makeApiKey('kept', [], { now }),
    makeApiKey('gone', [], { now }),
    makeApiKey('changed', ['a'], { now }),
    makeApiKey('ends', [], { now, expiresAt }),
  ]
  const keys = new ApiKeys(
    [kept, gone, changed, ends].map(({ record }) => record),
    () => time,
  )
  const identities = [kept, gone, changed, ends].map(({ text }) => keys.identity(text))
  const holding = () => identities.map((identity) => keys.holds(identity))
  expect(holding()).toEqual([true, true, true, true])
  keys.replace([kept.record, { ...changed.record, roles: ['b'] }, ends.record])
  expect(holding()).toEqual([true, false, false, true])
  expect(refusalOf(keys, gone.text)).toBe('invalid')
  expect(keys.identity(changed.text).roles).toEqual(['b'])
  time += 1000
  expect(holding()).toEqual([true, false, false, false])
  expect(refusalOf(keys, ends.text)).toBe('expired')
})

test('callers of one name are one caller to what was done before', () => {
  const [old, fresh] = [makeApiKey('shop', [], { now }), makeApiKey('shop', [], { now })]
  const other = makeApiKey('bank', [], { now })
  const keys = new ApiKeys(
    [old, fresh, other].map(({ record }) => record),
    () => now,
  )
  const [a, b, c] = [old, fresh, other].map(({ text }) => keys.identity(text).id)
  expect(a).toBe(b)
  expect(c).not.toBe(a)
})
