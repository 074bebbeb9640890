import type { Value } from '@spacegrid/grid/core/data-types'
import type { Write } from '@spacegrid/grid/core/evaluation'
import type { DomainEvent } from '@spacegrid/grid/core/steps'
import { type Remembered, roughBytes } from './recent.ts'
import type { ChangedEntry } from './seen-entries.ts'

export interface RememberedEvent extends Remembered {
  /** Of the domain events of its position, which it is; from 1. */
  readonly number: number
  readonly event: DomainEvent
  readonly version: number
}

export interface RememberedChange extends Remembered, ChangedEntry {}

const overheadBytes = 120

/** Counts what happens at each position. Follows a replica, live or melding the log again. */
export class Happened {
  position: number
  #at = 0
  #number = 0

  constructor(position: number) {
    this.position = position
  }

  melding(position: number): void {
    this.position = position
    this.#at = 0
    this.#number = 0
  }

  event(event: DomainEvent, version: number): RememberedEvent {
    const bytes = overheadBytes + roughBytes(event.payload)
    const { position } = this
    return { position, at: ++this.#at, number: ++this.#number, bytes, event, version }
  }

  /**
   * undefined: what was deleted was not in memory, which is no change to who follows what is.
   * @param isFollowed nobody wants it otherwise, but it counts
   */
  change(
    { key, value, version }: Write,
    before: Value | undefined,
    isFollowed: boolean,
  ): RememberedChange | undefined {
    const at = ++this.#at
    if (!isFollowed || (value === undefined && before === undefined)) return undefined
    const bytes = overheadBytes + roughBytes(value) + roughBytes(before)
    return { position: this.position, at, bytes, key, before, after: value, version }
  }
}
