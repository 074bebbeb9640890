import { describe, expect, test } from 'vitest'
import type { Value } from '../../core/data-types.ts'
import { isGridError } from '../../core/errors.ts'
import { knownString } from './known-strings.ts'
import { ShapeReader, ShapeWriter } from './value-shapes.ts'

const entries: readonly [string, Value][] = [
  ['a', { id: 'a', n: 1 }],
  ['b', { id: 'b', n: 2 }],
  ['c', { n: 3, id: 'c' }],
  ['d', { id: 'd', n: 4, more: { deep: [1] } }],
  ['e', { other: 'not the key' }],
  ['f', Object.fromEntries([['__proto__', 'f'], ['constructor', 1]])], // biome-ignore format: one line each
]

function roundTrip(values: readonly (readonly [string, Value])[]): [string, Value][] {
  const shapes = new ShapeWriter()
  const message: unknown[] = []
  for (const [key, value] of values) shapes.writeEntry(message, 0, key, value)
  const reader = new ShapeReader(shapes.names)
  const read: [string, Value][] = []
  for (let at = 0; at < message.length; at = reader.behind(message, at + 1))
    read.push([reader.key(message, at), reader.read(message, at + 1)])
  return read
}

describe('values by their shape', () => {
  // So often that every shape gets its constructor in between.
  test('come back as they were, field for field and in their order', () => {
    for (let turn = 0; turn < 40; turn++) {
      const read = roundTrip(entries)
      expect(read).toStrictEqual(entries)
      expect(read.map(([, value]) => Object.keys(value))).toEqual(
        entries.map(([, value]) => Object.keys(value)),
      )
    }
  })

  test('of thousands of shapes, as dictionaries have them', () => {
    const many = Array.from({ length: 3000 }, (_, i): [string, Value] => [
      `key${i}`,
      { [`field${i}`]: i, ...(i % 3 === 0 ? { id: `key${i}` } : {}) },
    ])
    for (let turn = 0; turn < 2; turn++) expect(roundTrip(many)).toStrictEqual(many)
  })

  test('share the string of their key', () => {
    const shapes = new ShapeWriter()
    const message: unknown[] = []
    shapes.writeEntry(message, 0, 'some key', { n: 1, id: 'some key' })
    expect(message).toEqual([1, 0, 1, 'some key'])
  })

  test.each<[string, unknown, unknown[]]>([
    ['no lists of names', 7, []],
    ['a list of something else', [[1]], []],
    ['an unknown shape', [['id']], ['a', 1, 'a']],
    ['a value cut short', [['id', 'n']], ['a', 0, 'a']],
    ['a key that is no string', [['n']], [0, 0, 5]],
    ['a key outside the value', [['n']], [7, 0, 5]],
  ])('are refused with %s', (_, names, message) => {
    try {
      const reader = new ShapeReader(names)
      reader.key(message, 0)
      reader.behind(message, 1)
      expect.fail('it was read')
    } catch (error) {
      expect(isGridError(error, 'format_unsupported')).toBe(true)
    }
  })
})

test('a known string is the same text, whatever came before', () => {
  const texts = ['', 'a', 'free', 'sold', '😀', 'x'.repeat(24), 'x'.repeat(25), 'é', 'ab', 'ba']
  for (let turn = 0; turn < 3; turn++)
    for (const text of texts) expect(knownString(`${text}`)).toBe(text)
})
