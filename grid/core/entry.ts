import type { TSchema } from 'typebox'
import type { Value } from './data-types.ts'
import { hashString } from './hash.ts'

/** An entry as views show it. */
export interface EntryView {
  readonly key: string
  readonly keyHash: number
  readonly value: Value
  readonly version: number
}

/**
 * An entry of a cache. The object lives as long as its key; its value is replaced, never changed.
 * What a query reads of it stands first, and so most often in one line of the processor's cache.
 */
export class Entry implements EntryView {
  value: Value
  /**
   * A schema that the value has been found to fit, so that a query that gives the entry need not
   * look through it each time.
   */
  fits: TSchema | undefined = undefined
  readonly key: string
  version: number
  /** Log position of the transaction that wrote the value. */
  position: number

  constructor(key: string, value: Value, version: number, position: number) {
    this.key = key
    this.value = value
    this.version = version
    this.position = position
  }

  /** Not kept: in a space of millions its room is worth more than the time to find it again. */
  get keyHash(): number {
    return hashString(this.key)
  }
}
