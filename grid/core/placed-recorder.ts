import type { IndexRange, Value } from './data-types.ts'
import type { AnyCommand } from './definition.ts'
import type {
  AppendOptions,
  IncrementOptions,
  Outcome,
  Patch,
  TakeOptions,
} from './operation-options.ts'
import { idWithHash } from './partition.ts'
import {
  checkKeptPlace,
  checkKeyPlace,
  checkRangePlace,
  checkValuePlace,
  type Place,
  placedHash,
} from './place.ts'
import { Recorder, type RecorderOptions } from './recorder.ts'
import type { AnyCache, Cache } from './transaction.ts'
import type { View } from './view.ts'

export interface PlacedRecorderOptions extends RecorderOptions {
  readonly place: Place
  /** Of the partition key: ids that are made carry it. undefined: it has none. */
  readonly hash: number | undefined
}

/**
 * Records what a handler does in one partition of a divided space, and refuses what belongs to
 * another one, before anything of it is recorded.
 */
export class PlacedRecorder extends Recorder {
  readonly #place: Place
  #hash: number | undefined

  constructor(view: View, options: PlacedRecorderOptions) {
    super(view, options)
    this.#place = options.place
    this.#hash = options.hash
  }

  /** Each part has a partition key of its own. */
  override enterPart(command: AnyCommand, input: unknown): void {
    super.enterPart(command, input)
    const { name, partitionBy } = command
    if (partitionBy) this.#hash = placedHash(this.#place, partitionBy, input, `command ${name}`)
  }

  override newId(): string {
    const id = super.newId()
    return this.#hash === undefined ? id : idWithHash(id, this.#hash)
  }

  override get<V>(cache: Cache<V>, key: string): V | undefined {
    checkKeyPlace(this.#place, cache, key)
    return super.get(cache, key)
  }

  override peek<V>(cache: Cache<V>, key: string): V | undefined {
    checkKeyPlace(this.#place, cache, key)
    return super.peek(cache, key)
  }

  override range<V>(cache: Cache<V>, index: string, range: IndexRange = {}): readonly V[] {
    checkRangePlace(this.#place, cache, index, range)
    return super.range(cache, index, range)
  }

  override put<V>(cache: Cache<V>, value: NoInfer<V>): void {
    checkValuePlace(this.#place, cache, value as Value)
    super.put(cache, value)
  }

  override delete(cache: AnyCache, key: string): void {
    checkKeyPlace(this.#place, cache, key)
    super.delete(cache, key)
  }

  override increment<V>(
    cache: Cache<V>,
    key: string,
    field: string,
    by: number,
    options: IncrementOptions<NoInfer<V>> = {},
  ): Outcome<number> {
    this.#checkOperation(cache, key, field, options.initial)
    return super.increment(cache, key, field, by, options)
  }

  override append<V>(
    cache: Cache<V>,
    key: string,
    field: string,
    items: readonly unknown[],
    options: AppendOptions<NoInfer<V>> = {},
  ): Outcome<number> {
    this.#checkOperation(cache, key, field, options.initial)
    return super.append(cache, key, field, items, options)
  }

  override take<V>(
    cache: Cache<V>,
    index: string,
    range: IndexRange & { readonly limit: number },
    patch: Patch<V>,
    options: TakeOptions = {},
  ): Outcome<readonly V[]> {
    checkRangePlace(this.#place, cache, index, range)
    checkKeptPlace(cache, Object.keys(Object(patch)))
    return super.take(cache, index, range, patch, options)
  }

  #checkOperation(cache: AnyCache, key: string, field: string, initial: unknown): void {
    checkKeyPlace(this.#place, cache, key)
    checkKeptPlace(cache, [field])
    if (initial !== undefined) checkValuePlace(this.#place, cache, initial as Value)
  }
}
