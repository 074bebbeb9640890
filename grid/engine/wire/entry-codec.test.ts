import { expect, test } from 'vitest'
import { decodeEntry, encodeEntry } from './entry-codec.ts'

/** As stores give it: somewhere in a larger buffer. */
function stored(value: Readonly<Record<string, unknown>>): Buffer {
  const entry = { cache: 'c', key: 'k', value, version: 1, position: 2 }
  return Buffer.concat([Buffer.alloc(3), encodeEntry(entry)]).subarray(3)
}

test('what an entry is read from may be used again: nothing of it is left in the value', () => {
  const bytes = new Uint8Array([1, 2, 3])
  for (const text of ['short', 'long '.repeat(2000)]) {
    const source = stored({ text, bytes })
    const first = decodeEntry('c', 'k', source)
    source.fill(0)
    decodeEntry('c', 'k', stored({ text: 'x'.repeat(text.length), bytes: new Uint8Array(3) }))
    expect(first).toStrictEqual({
      cache: 'c',
      key: 'k',
      value: { text, bytes },
      version: 1,
      position: 2,
    })
  }
})

test('an entry cut short is an error, whatever was read before it', () => {
  const source = stored({ text: 'something', n: 7 })
  decodeEntry('c', 'k', source)
  for (let length = 0; length < source.byteLength; length++)
    expect(() => decodeEntry('c', 'k', source.subarray(0, length))).toThrow()
})
