import { FirstOfRange } from '@spacegrid/grid/core/archive-range'
import { withoutForeign } from '@spacegrid/grid/core/compatibility'
import type { Scalar, Value } from '@spacegrid/grid/core/data-types'
import type { Space } from '@spacegrid/grid/core/definition'
import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import { readValue } from '@spacegrid/grid/core/evolution'
import type { Layout } from '@spacegrid/grid/core/layout'
import { logNameOf } from '@spacegrid/grid/core/log-name'
import { cursorOf, placeOf } from '@spacegrid/grid/core/page-cursor'
import { type PositionToken, tokenOf, tokenOfAll } from '@spacegrid/grid/core/position'
import { takenRange } from '@spacegrid/grid/core/range-check'
import type { AnyCache } from '@spacegrid/grid/core/transaction'
import { checkKey, invalidField } from '@spacegrid/grid/core/validation'
import type {
  ArchiveAsked,
  ArchivePage,
  ArchiveReads,
  StoredAnswer,
} from '@spacegrid/grid/doors/request/serving'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import type { StoredEntry } from '@spacegrid/grid/engine/ports/store'
import { rangeLimitMax } from '@spacegrid/grid/engine/wire/archive-messages'
import { partitionOfKey } from '../partitions/partition-of.ts'
import { everyOne } from '../partitions/scatter.ts'
import { unknownIn } from '../unknown.ts'
import { askForEntry, askForRange } from './store-asking.ts'

/** Entries of a page. */
const limitDefault = 100
/** Partitions that are asked at the same time. */
const atOnceMax = 16

export interface StoredReadsParts {
  readonly messaging: Messaging
  /** Longest wait for an answer, ms. */
  readonly waitMsMax: number
  /** The log's definition, as far as it is known here. */
  readonly layout: () => Layout | undefined
}

/** One entry, and the partition that it is in. */
interface Found extends StoredEntry {
  readonly partition: number | undefined
}

/**
 * Answers what the store holds, through the data readers: any entry by its key, and those that have
 * left memory by ranges of an index. Of a divided space all partitions are asked that may have it.
 */
export class StoredReads implements ArchiveReads {
  readonly #space: Space
  readonly #parts: StoredReadsParts

  constructor(space: Space, parts: StoredReadsParts) {
    this.#space = space
    this.#parts = parts
  }

  async entry(cacheName: string, key: string): Promise<StoredAnswer> {
    const cache = this.#cache(cacheName)
    checkKey(key, `cache ${cacheName}`)
    const { partitions = 1 } = this.#space
    const place = partitions > 1 ? partitionOfKey(this.#space, cache, key) : undefined
    const asked = place?.isCertain ? [place.partition] : this.#partitions()
    const found = await everyOne(asked, atOnceMax, async (partition) => {
      const { entry, to } = await this.#ask(partition, (from) =>
        askForEntry(from, { cache: cacheName, key }, this.#parts.waitMsMax),
      )
      return entry && { ...this.#told(cache, entry, partition), position: at0(partition, to) }
    })
    const answer = found.find((it) => it !== undefined)
    if (answer) return answer
    throw new GridError(
      'not_found',
      `Nothing is stored under ${JSON.stringify(key)} in ${cacheName}`,
    )
  }

  async range(cacheName: string, asked: ArchiveAsked): Promise<ArchivePage> {
    const cache = this.#cache(cacheName)
    const { index, limit = limitDefault, cursor } = asked
    if (!Number.isInteger(limit) || limit < 1 || limit > rangeLimitMax)
      throw invalidField('limit', `must be an integer from 1 to ${rangeLimitMax}`)
    const layout = this.#layout().named(cacheName)
    const number = layout?.indexNumber(index)
    const order = number === undefined ? undefined : layout?.orders[number]
    if (!layout || number === undefined || !order || index.startsWith('_'))
      throw invalidField('index', `names no index of ${cacheName}`)
    const range = this.#range(() => takenRange(layout, number, asked.range))
    const { fields } = order
    const list = { cache: cacheName, index, fields, reverse: range.reverse === true }
    const beyond = cursor === undefined ? undefined : placeOf(list, cursor)
    const all = await everyOne(this.#partitions(), atOnceMax, async (partition) => {
      const found = await this.#ask(partition, (from) =>
        askForRange(
          from,
          { cache: cacheName, fields, range, limit, ...(beyond ? { beyond } : {}) },
          this.#parts.waitMsMax,
        ),
      )
      return { ...found, partition }
    })
    // What a partition has not told may stand before what others have.
    const first = new FirstOfRange<Found>({ fields, range, limit })
    for (const { partition, entries } of all)
      for (const entry of entries) first.add({ ...entry, partition })
    const isCut = all.some(({ isWhole }) => !isWhole)
    const entries = isCut ? first.items.slice(0, Math.max(1, shortest(all))) : first.items
    const last = entries.at(-1)
    const isMore = isCut || entries.length === limit
    const next = () => {
      if (!last || !isMore) return {}
      const values = fields.map((field) => last.value[field] as Scalar)
      return { next: cursorOf(list, { values, key: last.key, partition: last.partition ?? 0 }) }
    }
    return {
      entries: entries.map((entry) => this.#told(cache, entry, entry.partition)),
      ...next(),
      position: this.#position(all),
    }
  }

  #partitions(): readonly (number | undefined)[] {
    const { partitions = 1 } = this.#space
    return partitions === 1 ? [undefined] : Array.from({ length: partitions }, (_, at) => at)
  }

  #position(all: readonly { readonly partition: number | undefined; readonly to: number }[]) {
    const [first] = all
    if (first?.partition === undefined) return first?.to ?? 0
    return tokenOfAll(new Map(all.map(({ partition = 0, to }) => [partition, to])))
  }

  #cache(name: string): AnyCache {
    const cache = this.#space.caches.find((it) => it.name === name)
    if (!cache) throw unknownIn(this.#space, 'cache', name)
    return cache
  }

  #layout(): Layout {
    const layout = this.#parts.layout()
    if (layout) return layout
    throw new GridError('not_ready', 'The processing unit is not ready', { retryAfterMs: 1000 })
  }

  #range<T>(take: () => T): T {
    try {
      return take()
    } catch (error) {
      throw invalidField('range', (error as Error).message)
    }
  }

  async #ask<T>(
    partition: number | undefined,
    ask: (from: Parameters<typeof askForEntry>[0]) => Promise<T>,
  ): Promise<T> {
    const logName = logNameOf(this.#space.name, partition)
    try {
      return await ask({ logName, messaging: this.#parts.messaging })
    } catch (cause) {
      const isAway = isGridError(cause, 'no_responder') || isGridError(cause, 'request_timeout')
      if (!isAway) throw cause
      throw new GridError('store_unavailable', `No data reader of ${logName} answers`, {
        cause,
        retryAfterMs: 1000,
      })
    }
  }

  /** Without fields that only other versions know: it is not for this one to tell them. */
  #told(cache: AnyCache, entry: StoredEntry, partition: number | undefined) {
    const { key, value, version, position, archived } = entry
    const read = readValue(cache, value) as Value
    const layout = this.#parts.layout()?.named(cache.name)
    return {
      key,
      value: (layout && withoutForeign(read, cache, layout)) ?? read,
      version,
      writtenAt: at0(partition, position),
      archived: archived === true,
    }
  }
}

const at0 = (partition: number | undefined, position: number): PositionToken =>
  partition === undefined ? position : tokenOf(partition, position)

/** How many of a page are certain to stand before everything that was not told. */
const shortest = (
  all: readonly { readonly isWhole: boolean; readonly entries: readonly unknown[] }[],
) => Math.min(...all.filter(({ isWhole }) => !isWhole).map(({ entries }) => entries.length))
