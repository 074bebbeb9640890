import { expect, test } from 'vitest'
import { decodeRecord, encodeRecord } from './record-codec.ts'

// docs/decisions/0017
test('a sealed record that looks like one without a seal is damaged, and told so', () => {
  for (let length = 0; length < 64; length++) {
    const bytes = encodeRecord(1_795_813_872_081, 4096 + length, Buffer.alloc(length, 0x14))
    bytes[0] = 0
    expect(() => decodeRecord(1, bytes), `${length}`).toThrow(
      expect.objectContaining({ code: 'record_damaged' }) as Error,
    )
  }
})

test('a record of a version that did not seal yet is read', () => {
  const bytes = Buffer.alloc(19, 7)
  bytes.writeDoubleLE(1_795_813_872_081, 0)
  bytes.writeDoubleLE(4096, 8)
  expect(decodeRecord(9, bytes)).toEqual({
    ...{ position: 9, time: 1_795_813_872_081, endBytes: 4096 },
    data: new Uint8Array([7, 7, 7]),
  })
})
