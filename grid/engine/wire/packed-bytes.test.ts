import { expect, test } from 'vitest'
import { messagePack } from './message-pack.ts'
import { unpackRecord } from './packed-bytes.ts'

const damaged = expect.objectContaining({ code: 'record_damaged' })
const nested = (levels: number) => Uint8Array.from([...new Array(levels).fill(0x91), 0xc0])

test('what was packed is unpacked, names that are changed on the way included', () => {
  const all = { a: [1, -1, 1.5, null, undefined, 'x'.repeat(70_000)], __proto_x: new Date(5) }
  for (const data of [all, [all, new Uint8Array(300), new Float64Array(3)], 7, 'text'])
    expect(unpackRecord(messagePack.pack(data))).toEqual(data)
})

test('what is nested more deeply than anything that was ever stored is none, on every stack', () => {
  expect(() => unpackRecord(nested(2000))).toThrow(damaged)
  expect(unpackRecord(nested(500))).toBeDefined()
})

test.each([
  ['nothing', []],
  ['a list of more than follows', [0xdc, 0, 9, 0xc0]],
  ['a text of more than follows', [0xdb, 255, 255, 255, 255]],
  ['two items', [0xc0, 0xc0]],
  ['a byte that is not used', [0xc1]],
  ['a set', [0xd4, 0x73, 0, 0x90]],
  ['a definition of records', [0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 1]],
  ['an expression', [0xc7, 0, 0x78, 0x92, 0xa1, 0x61, 0xa0]],
])('%s is none', (_, bytes) => {
  expect(() => unpackRecord(Uint8Array.from(bytes))).toThrow(damaged)
})
