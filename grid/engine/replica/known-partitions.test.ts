import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { defineCache, defineSpace } from '../../core/define.ts'
import { initialShape, shapeOf } from '../../core/shape.ts'
import { SpaceState } from '../../core/space-state.ts'
import { encodeHeader } from '../wire/snapshot-codec.ts'
import { partitionsIn, StoredPartitions } from './known-partitions.ts'

const items = defineCache('items', {
  schema: Type.Object({ key: Type.String(), shelf: Type.String() }),
  key: 'key',
  partitionBy: 'shelf',
})
const shapeWith = (partitions: number) =>
  shapeOf(defineSpace('shop', { caches: [items], commands: [], queries: [], partitions }))

test('the definition says how many partitions there are, once there is one', () => {
  expect(partitionsIn(initialShape)).toBeUndefined()
  expect(partitionsIn(shapeWith(1))).toBe(1)
  expect(partitionsIn(shapeWith(16))).toBe(16)
})

test('so does what is stored, as far as this version can read it', () => {
  const state = new SpaceState()
  state.reshape(shapeWith(16))
  const checkpoint = {
    ...{ position: 1, logIdentity: 'log', digest: '', entries: 0 },
    replicated: encodeHeader(state.header()),
  }
  const stored = new StoredPartitions()
  expect(stored.in(undefined)).toBeUndefined()
  expect(stored.in(checkpoint)).toBe(16)
  expect(stored.in({ ...checkpoint, replicated: new Uint8Array([1]) })).toBeUndefined()
})
