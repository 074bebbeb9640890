import { expect, test } from 'vitest'
import { decodeImageCheckpoint, encodeImageCheckpoint } from './image-checkpoint.ts'

const image = {
  ...{ logIdentity: 'SPACE_shop_LOG@1', digest: '0', entries: 0 },
  ...{ replicated: new Uint8Array([1]), build: 'one', caches: ['stock'] },
}

// Negative while an image is built: whoever builds it finds its own place again by it.
test.each([0, 7, -96_135_781_318_757])('position %d is read as it was written', (position) => {
  const rest = encodeImageCheckpoint({ ...image, position })
  expect(decodeImageCheckpoint(Buffer.from(String(position)), rest)).toMatchObject({ position })
  expect(decodeImageCheckpoint(Buffer.from(String(position + 1)), rest)).toBeUndefined()
  for (const text of ['', 'x', '1.5']) {
    const read = decodeImageCheckpoint(Buffer.from(text), rest)
    expect(text === '' && position === 0 ? undefined : read, text).toBeUndefined()
  }
})
