import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dataFault, takeData, takenBytes } from '../../core/data.ts'
import { contentBytes } from '../../core/growth.ts'
import { messagePack } from './message-pack.ts'

test('what was taken last is counted as no more than it takes when packed', () => {
  fc.assert(
    fc.property(fc.object({ withTypedArray: true, withDate: true, maxDepth: 3 }), (data) => {
      if (dataFault(data)) return
      const taken = takeData(data)
      const bytes = takenBytes()
      expect(bytes).toBeLessThanOrEqual(messagePack.pack(taken).byteLength)
      expect(bytes).toBeGreaterThanOrEqual(contentBytes(taken))
    }),
  )
})

test('a member that is missing from a well-known list of names is counted as nothing, the rest once', () => {
  const full = { inside: { text: 'twelve bytes', bytes: new Uint8Array(9) }, last: 1 }
  for (let times = 0; times < 40; times++) takeData(full)
  const taken = takeData({ ...full, last: undefined })
  const bytes = takenBytes()
  takeData({ inside: full.inside })
  expect(bytes).toBe(takenBytes())
  expect(bytes).toBeLessThanOrEqual(messagePack.pack(taken).byteLength)
})
