import type { Value } from './data-types.ts'
import { checkPartitioned } from './declared-partitions.ts'
import type { Space } from './definition.ts'
import { GridError } from './errors.ts'
import { hashString } from './hash.ts'
import { hashBy, partitionOfHash } from './partition.ts'
import {
  type CacheShape,
  idempotencyCache,
  initialShape,
  mergeShapes,
  ownCaches,
  partitionedCaches,
  type SpaceShape,
  shapeOf,
} from './shape.ts'
import { Digest } from './version.ts'

/*
 * What becomes of a space's definition and of its entries when it is moved to another number of
 * partitions. docs/decisions/0037.
 */

const ownNames: ReadonlySet<string> = new Set(ownCaches.map(({ name }) => name))

/** `1 partition`, `16 partitions`: for people. */
export const partitionsText = (partitions: number): string =>
  partitions === 1 ? '1 partition' : `${partitions} partitions`

/** The same definition with another number of partitions. */
export const withPartitions = (space: Space, partitions: number): Space => ({
  ...space,
  partitions,
})

/**
 * The definition with which the logs begin after the move: what the logs have had, in the places
 * that the number asks for, and what the application has beyond it.
 * @param logged of each log that there was
 * @param space with the number of partitions that it will have
 * @throws GridError `definition_conflict`: units with this definition could not use what is moved
 */
export function movedShape(logged: readonly SpaceShape[], space: Space): SpaceShape {
  const { partitions = 1 } = space
  checkDivisible(space, partitions)
  let merged: SpaceShape = initialShape
  for (const { caches } of logged) {
    const own = caches.filter(({ name }) => !ownNames.has(name)).map(undivided)
    merged = mergeShapes(merged, { caches: own })
  }
  const wanted = shapeOf(space)
  const caches = merged.caches.slice(initialShape.caches.length)
  if (partitions === 1) return mergeShapes({ caches: [...initialShape.caches, ...caches] }, wanted)
  const placed = caches.map((cache) => placedCache(cache, logged, wanted))
  const moved = { caches: [...initialShape.caches, ...partitionedCaches, ...placed], partitions }
  return mergeShapes(moved, wanted)
}

function checkDivisible(space: Space, partitions: number): void {
  try {
    checkPartitioned({ ...space, partitions })
  } catch (error) {
    throw new GridError('definition_conflict', (error as Error).message, { cause: error })
  }
}

function undivided(cache: CacheShape): CacheShape {
  const { partitionBy: _, ...shape } = cache
  return shape
}

/** What a log says of it counts: by that the entries of commands that come later are found. */
function placedCache(
  cache: CacheShape,
  logged: readonly SpaceShape[],
  wanted: SpaceShape,
): CacheShape {
  const named = ({ caches }: SpaceShape) => caches.find(({ name }) => name === cache.name)
  const said = logged.find((shape) => named(shape)?.partitionBy !== undefined) ?? wanted
  const partitionBy = named(said)?.partitionBy
  if (partitionBy) return { ...cache, partitionBy }
  throw new GridError(
    'definition_conflict',
    `The cache ${cache.name} is in the log and not in this definition, which would say to which partition its entries go`,
  )
}

/** What is known of each partition when every entry has been counted. */
export interface PartitionCount {
  readonly entries: number
  /** 16 hex digits, as in a checkpoint. */
  readonly digest: string
}

/** Counts entries by partition, as checkpoints tell of them. */
export class PartitionCounts {
  readonly #numbers: ReadonlyMap<string, number>
  readonly #counts: readonly { entries: number; readonly digest: Digest }[]

  constructor({ caches }: SpaceShape, partitions: number) {
    this.#numbers = new Map(caches.map(({ name }, number) => [name, number]))
    this.#counts = Array.from({ length: partitions }, () => ({ entries: 0, digest: new Digest() }))
  }

  add(partition: number, cache: string, key: string, version: number): void {
    const count = this.#counts[partition]
    if (!count) throw new Error(`there is no partition ${partition}`)
    count.entries++
    count.digest.toggle(this.#numbers.get(cache) ?? -1, hashString(key), version)
  }

  result(): PartitionCount[] {
    return this.#counts.map(({ entries, digest }) => ({ entries, digest: digest.toString() }))
  }
}

/** Finds where the entries of the application's caches belong. */
export class EntryPlaces {
  readonly #partitions: number
  readonly #caches: ReadonlyMap<string, CacheShape>

  /** @param shape with the number of partitions that there will be */
  constructor({ caches, partitions = 1 }: SpaceShape) {
    this.#partitions = partitions
    this.#caches = new Map(caches.map((cache) => [cache.name, cache]))
  }

  /** @throws GridError `invalid_input`: its value does not say it */
  partitionOf(cache: string, key: string, value: Value): number {
    if (this.#partitions === 1) return 0
    const { partitionBy } = this.#caches.get(cache) ?? {}
    if (!partitionBy) throw new Error(`the cache ${cache} is divided by nothing`)
    const hash = hashBy(partitionBy, value, `cache ${cache}, entry ${JSON.stringify(key)}`)
    return partitionOfHash(hash, this.#partitions)
  }
}

/** An answer that is remembered under an idempotency key. */
export interface RememberedAnswer {
  readonly value: Value
  readonly version: number
}

/**
 * Where the answers go that are remembered under one key. One that says by what its command was
 * placed goes there. One of a space that had one partition does not say it, and goes everywhere:
 * whoever asks again finds it, and finds that the key has been used, wherever that is. Partitions
 * do not know of each other's keys, so several may meet in one place: the one that is remembered
 * longest stays, and the key still stands for no other command.
 */
export function placesOfAnswers<Answer extends RememberedAnswer>(
  answers: readonly Answer[],
  partitions: number,
): ReadonlyMap<number, Answer> {
  const places = new Map<number, Answer>()
  for (const answer of answers)
    for (const place of placesOf(answer, partitions)) {
      const other = places.get(place)
      if (!other || isLonger(answer, other)) places.set(place, answer)
    }
  return places
}

function placesOf({ value: { hash } }: RememberedAnswer, partitions: number): readonly number[] {
  if (typeof hash === 'number') return [partitionOfHash(hash, partitions)]
  return Array.from({ length: partitions }, (_, place) => place)
}

const isLonger = (one: RememberedAnswer, other: RememberedAnswer): boolean => {
  const [ends, otherEnds] = [Number(one.value.expiresAt), Number(other.value.expiresAt)]
  return ends > otherEnds || (ends === otherEnds && one.version > other.version)
}

/** What an entry of the grid's own caches is when the space is moved. */
export const isCarriedOver = (cache: string): boolean =>
  !ownNames.has(cache) || cache === idempotencyCache
