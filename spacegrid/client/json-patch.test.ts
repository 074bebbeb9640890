import fc from 'fast-check'
import { expect, test } from 'vitest'
import { patched } from './json-patch.ts'

test('each operation does what RFC 6902 says', () => {
  const document = { a: [1, 2, 3], 'x/y': { '~': 1 }, n: null }
  const before = structuredClone(document)
  expect(patched(document, [{ op: 'add', path: '/a/1', value: 9 }])).toMatchObject({
    a: [1, 9, 2, 3],
  })
  expect(patched(document, [{ op: 'add', path: '/a/-', value: 9 }])).toMatchObject({
    a: [1, 2, 3, 9],
  })
  expect(patched(document, [{ op: 'remove', path: '/a/0' }])).toMatchObject({ a: [2, 3] })
  expect(patched(document, [{ op: 'remove', path: '/n' }])).not.toHaveProperty('n')
  expect(patched(document, [{ op: 'replace', path: '/x~1y/~0', value: 2 }])).toMatchObject({
    'x/y': { '~': 2 },
  })
  expect(patched(document, [{ op: 'move', from: '/a/2', path: '/a/0' }])).toMatchObject({
    a: [3, 1, 2],
  })
  expect(patched(document, [{ op: 'copy', from: '/a', path: '/b' }])).toMatchObject({
    b: [1, 2, 3],
  })
  expect(patched(document, [{ op: 'replace', path: '', value: 7 }])).toBe(7)
  expect(patched({ length: 1 }, [{ op: 'replace', path: '/length', value: 2 }])).toEqual({
    length: 2,
  })
  expect(document).toEqual(before)
})

test('what does not fit is refused', () => {
  for (const patch of [
    { op: 'replace', path: '/none', value: 1 },
    { op: 'remove', path: '/a/3' },
    { op: 'add', path: '/a/9', value: 1 },
    { op: 'add', path: '/s/x', value: 1 },
    { op: 'replace', path: '/a/length', value: 1 },
    { op: 'increment', path: '/a/0' },
    { op: 'add', path: 'a', value: 1 },
  ])
    expect(() => patched({ a: [1, 2, 3], s: 'text' }, [patch])).toThrow(TypeError)
})

test('any document becomes any other one by a replacement of its fields', () => {
  const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown)
  const names = fc.oneof(fc.string(), fc.constantFrom('length', '__proto__', '0', '/', '~1'))
  const objects = fc.dictionary(names, json)
  fc.assert(
    fc.property(objects, objects, (one, other) => {
      const pathOf = (name: string) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
      const patch = [
        ...Object.keys(one).map((name) => ({ op: 'remove', path: pathOf(name) })),
        ...Object.entries(other).map(([name, value]) => ({ op: 'add', path: pathOf(name), value })),
      ]
      expect(JSON.stringify(patched(one, patch))).toBe(JSON.stringify(other))
    }),
  )
})
