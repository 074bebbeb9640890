import type { Position } from './answer.ts'
import type { RequestOptions } from './request-options.ts'

/** An entry as the store has it, by what of it is readable. */
export interface ArchivedEntry {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
  /** Identity of the transaction that wrote it. */
  readonly version: number
  /** Of the transaction that wrote it, or took it out of memory. */
  readonly writtenAt: Position
}

export interface StoredEntry extends ArchivedEntry {
  /** It has left memory. */
  readonly archived: boolean
  /** Where the store stood. */
  readonly position: Position
}

/** Which entries that have left memory are asked for: a range of an index, page by page. */
export interface ArchivedOptions extends RequestOptions {
  readonly index: string
  /** Values of the index's leading fields. */
  readonly equals?: readonly (string | number | boolean)[]
  /** Bounds of the field behind those. */
  readonly from?: string | number
  readonly after?: string | number
  readonly to?: string | number
  readonly before?: string | number
  readonly reverse?: boolean
  /** Entries of one page, 1 to 1,000. Default 100. */
  readonly limit?: number
  /** `next` of the page before. */
  readonly cursor?: string | null
}

export interface ArchivedPage {
  /** In the order of the index. */
  readonly entries: readonly ArchivedEntry[]
  /** `cursor` of the page behind this one; null: there is none. */
  readonly next: string | null
  /** Where the store stood. */
  readonly position: Position
}
