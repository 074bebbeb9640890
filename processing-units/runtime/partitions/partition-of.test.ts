import { defineCache, defineSpace, Type } from '@spacegrid/grid/core/define'
import { idWithHash, partitionHash, partitionOfHash } from '@spacegrid/grid/core/partition'
import { expect, test } from 'vitest'
import { partitionOfKey, partitionOfValue } from './partition-of.ts'

const schema = Type.Object({ key: Type.String(), owner: Type.String() })
const partitions = 16

test.each([
  ['its key', 'key' as const, 'a/1', true],
  ['what its key begins with', { prefixOf: 'key', until: '/' } as const, 'a/1', true],
  ['its id', { idOf: 'key' } as const, idWithHash('x'.repeat(22), partitionHash(['a'])), true],
  ['another field', 'owner' as const, 'a/1', undefined],
])('an entry that is partitioned by %s is where its value says', (_, partitionBy, key, known) => {
  const cache = defineCache('things', { schema, key: 'key', partitionBy })
  const space = defineSpace('shop', { partitions, caches: [cache] })
  const place = partitionOfKey(space, cache, key)
  expect(place?.isCertain).toBe(known)
  if (place) expect(place.partition).toBe(partitionOfValue(space, cache, { key, owner: 'a' }))
})

test('what a key begins with is where the whole of another one is', () => {
  const cache = defineCache('things', {
    schema,
    key: 'key',
    partitionBy: { prefixOf: 'key', until: '/' },
  })
  const space = defineSpace('shop', { partitions, caches: [cache] })
  const partition = partitionOfHash(partitionHash(['concert']), partitions)
  for (const key of ['concert/A-1', 'concert/B-2', 'concert'])
    expect(partitionOfKey(space, cache, key)).toEqual({ partition, isCertain: true })
})
