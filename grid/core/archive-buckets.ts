import { hashString } from './hash.ts'
import type { CacheLayout, Layout } from './layout.ts'
import { type PutStep, type Step, StepKind } from './steps.ts'

/**
 * Of each cache whose entries may leave memory. What has left is in no replica's memory, so that it
 * has left is not either: instead each bucket, the keys of one hash, has an entry that changes
 * whenever one of them leaves memory or is deleted. Whoever has been told by the store what it
 * holds under a key reads that entry too, and collides when it has changed since: what the store
 * has said may then be old.
 */
export const archiveBuckets = 1024

/** Key of the bucket's entry in the cache `_archived`. */
export const archiveBucketOf = ({ name }: CacheLayout, key: string): string =>
  `${name}/${hashString(key) % archiveBuckets}`

/** Whoever has asked the store about a key of this bucket has to ask again. */
export function stirBucket(layout: Layout, cache: CacheLayout, key: string): PutStep {
  const bucket = archiveBucketOf(cache, key)
  return { kind: StepKind.put, cache: layout.archived, key: bucket, value: { key: bucket } }
}

/** What takes an entry out of memory. */
export const archivingSteps = (
  layout: Layout,
  cache: CacheLayout,
  key: string,
): readonly Step[] => [
  { kind: StepKind.archive, cache: cache.number, key },
  stirBucket(layout, cache, key),
]
