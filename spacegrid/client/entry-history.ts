import type { Position } from './answer.ts'

type Told = Readonly<Record<string, unknown>>

/** One change of an entry, by what of it is readable. */
export interface EntryChange {
  readonly position: Position
  /** When the log stored it, ms since the epoch. */
  readonly time: number
  /** `archived`: it has left memory, the store keeps it. */
  readonly change: 'created' | 'changed' | 'deleted' | 'archived'
  /** The value before; null: there was none, or it was not in memory. */
  readonly from: Told | null
  /** The value behind it; null: there is none. */
  readonly to: Told | null
  /** Identity of the transaction that has made it. */
  readonly version: number
  /** Name of the command; left out: nobody's, or not known any more. */
  readonly command?: string
  /** It was due, and nobody's command. */
  readonly due?: true
}

/** A page of what has become of an entry. */
export interface EntryHistory {
  /** The newest first. */
  readonly changes: readonly EntryChange[]
  /** `cursor` of the page behind this one; null: no more is known. */
  readonly next: string | null
  /** What happened up to here is not known any more. */
  readonly since: { readonly position: Position; readonly time: number }
  /** Position up to which it was looked at. */
  readonly position: Position
}
