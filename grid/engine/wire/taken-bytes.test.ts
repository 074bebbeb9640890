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
