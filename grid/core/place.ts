import type { IndexRange, Value } from './data-types.ts'
import { GridError } from './errors.ts'
import type { CacheLayout } from './layout.ts'
import { Misuse } from './misuse.ts'
import {
  hashBy,
  hashOfFields,
  type PartitionBy,
  type PartitionScalar,
  partitionOfHash,
} from './partition.ts'
import type { AnyProjection } from './projection/projection.ts'
import type { AnyCache } from './transaction.ts'

/** One partition of a divided space: where something runs. */
export interface Place {
  readonly partition: number
  /** How many the space has. */
  readonly partitions: number
}

/**
 * A handler works with an entry of another partition than its own: it would not find there what is
 * stored, or leave what nobody finds. A mistake of the application, told as all of them are.
 */
export class WrongPartition extends Misuse {
  readonly key: string
  /** Where the entry belongs. */
  readonly partition: number
  /** Where the handler runs. */
  readonly own: number

  constructor(cache: string, key: string, partition: number, own: number) {
    super(
      cache,
      undefined,
      `wrong_partition: the entry ${JSON.stringify(key)} belongs to partition ${partition}, and this runs in partition ${own}`,
    )
    this.name = 'WrongPartition'
    this.key = key
    this.partition = partition
    this.own = own
  }
}

// What a handler asks for. What can be no key, value or range at all is refused behind this

/**
 * Where only the key of an entry is known: it may say by itself where the entry belongs.
 * @throws WrongPartition when that is elsewhere
 */
export function checkKeyPlace(place: Place, cache: AnyCache, key: string): void {
  const hash = hashOfKey(cache, key)
  if (hash !== undefined) check(place, cache, key, hash)
}

/** The hash of what an entry is partitioned by, if its key says it. */
export function hashOfKey(cache: AnyCache, key: unknown): number | undefined {
  const partitionBy = cache?.partitionBy
  if (partitionBy === undefined || typeof key !== 'string') return undefined
  const { fields } = partitionBy
  if (fields.length !== 1 || fields[0] !== cache.key) return undefined
  return hashOfFields(partitionBy, [key])
}

/**
 * @param value as handlers put it
 * @throws WrongPartition when it belongs elsewhere; Misuse when it belongs nowhere
 */
export function checkValuePlace(place: Place, cache: AnyCache, value: Value): void {
  const partitionBy = cache?.partitionBy
  const key = partitionBy?.fields.map((field) => Object(value)[field] as unknown)
  if (!partitionBy || !key?.every(isPartitionScalar)) return
  const hash = hashOfFields(partitionBy, key)
  if (hash === undefined)
    throw new Misuse(
      cache.name,
      partitionBy.fields[0],
      'holds no id that a command of this space has made',
    )
  check(place, cache, String(Object(value)[cache.key]), hash)
}

/** The same of an entry as it is stored; undefined for what belongs nowhere. */
export function hashOfStored(
  { name, partitionBy }: CacheLayout,
  stored: Value,
): number | undefined {
  try {
    return partitionBy && hashBy(partitionBy, stored, name)
  } catch (error) {
    if (error instanceof GridError) return undefined
    throw error
  }
}

/**
 * An entry that somebody asks for by its key.
 * @throws GridError `wrong_partition`
 */
export function checkEntryPlace(
  { partition, partitions }: Place,
  cache: AnyCache,
  key: string,
): void {
  const hash = hashOfKey(cache, key)
  if (hash === undefined) return
  const its = partitionOfHash(hash, partitions)
  if (its !== partition)
    throw elsewhere(`entry ${JSON.stringify(key)} of ${cache.name}`, its, partition)
}

/**
 * A range whose leading fields say where its entries belong.
 * @throws WrongPartition when that is elsewhere
 */
export function checkRangePlace(
  place: Place,
  cache: AnyCache | AnyProjection,
  index: string,
  range: IndexRange,
): void {
  const equals = range?.equals
  const fields = cache?.indexes?.[index]
  const partitionBy = cache?.partitionBy
  if (partitionBy === undefined || fields === undefined || !Array.isArray(equals)) return
  const key = partitionBy.fields.map((field) => equals[fields.indexOf(field)] as unknown)
  if (!key.every(isPartitionScalar)) return
  const hash = hashOfFields(partitionBy, key)
  if (hash !== undefined) check(place, cache, equals.join(), hash)
}

const isPartitionScalar = (value: unknown): value is PartitionScalar =>
  typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value)

/**
 * Operations change entries where they are: nobody could move one that belongs elsewhere then.
 * @throws Misuse
 */
export function checkKeptPlace(cache: AnyCache, changed: readonly string[]): void {
  const field = cache?.partitionBy?.fields.find((it) => changed.includes(it))
  if (field !== undefined)
    throw new Misuse(
      cache.name,
      field,
      'wrong_partition: it decides on the partition, and is not changed by an operation: delete the entry and put another one',
    )
}

function check(
  { partition, partitions }: Place,
  cache: Pick<AnyCache, 'name'>,
  key: string,
  hash: number,
): void {
  const its = partitionOfHash(hash, partitions)
  if (its !== partition) throw new WrongPartition(cache.name, key, its, partition)
}

/**
 * Where something that is asked for belongs, by its input.
 * @param what `command holdSeats`
 * @returns the hash of its partition key
 * @throws GridError `wrong_partition` when that is elsewhere, and `invalid_input` when it holds no
 * id where one is declared
 */
export function placedHash(
  { partition, partitions }: Place,
  partitionBy: PartitionBy,
  input: unknown,
  what: string,
): number {
  const hash = hashBy(partitionBy, input as Value, what)
  const its = partitionOfHash(hash, partitions)
  if (its === partition) return hash
  throw elsewhere(what, its, partition)
}

const elsewhere = (what: string, partition: number, asked: number): GridError =>
  new GridError('wrong_partition', `${what} belongs to partition ${partition}, not ${asked}`, {
    details: { partition, asked },
  })
