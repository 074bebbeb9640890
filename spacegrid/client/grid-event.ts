import type { Position } from './answer.ts'
import type { FollowOptions } from './follow.ts'
import { queryString } from './query-string.ts'

/** What to follow of a space. */
export interface EventsOptions extends FollowOptions {
  /** Only domain events of these names; `[]`: none. Default: all. */
  readonly events?: readonly string[]
  /** Changes of the entries of this cache, too. */
  readonly cache?: string
  /** Of this entry only. */
  readonly key?: string
  /** Of the entries in a range of an index only. */
  readonly index?: string
  /** Values of the first fields of the index; then bounds for the next one. */
  readonly range?: {
    readonly equals?: readonly (string | number | boolean)[]
    readonly from?: string | number | boolean
    readonly after?: string | number | boolean
    readonly to?: string | number | boolean
    readonly before?: string | number | boolean
  }
  readonly headers?: Readonly<Record<string, string>>
}

interface Happened {
  /** With which another stream goes on behind it: `lastEventId`. */
  readonly id: string | undefined
  /** Where it is in the log: a query from there sees it. */
  readonly position: Position
}

/** A command has emitted it. */
export interface DomainEventTold extends Happened {
  readonly kind: 'event'
  readonly name: string
  readonly payload: Readonly<Record<string, unknown>>
  /** Of the transaction, as the answer of its command names it. */
  readonly version: number | string
}

/** An entry of the cache that is followed is there, is another one, or is there no more. */
export interface EntryTold extends Happened {
  readonly kind: 'entry'
  readonly cache: string
  readonly change: 'entered' | 'changed' | 'left'
  readonly key: string
  /** What has left has none. */
  readonly value: Readonly<Record<string, unknown>> | undefined
  readonly version: number | string
}

/** Something is missing before what comes next: load anew what is kept. */
export interface ResetTold extends Happened {
  readonly kind: 'reset'
  readonly reason: string
}

export type GridEvent = DomainEventTold | EntryTold | ResetTold

export function eventsPath(space: string, options: EventsOptions): string {
  const { events, cache, key, index, range } = options
  const names = events === undefined ? {} : { events: events.join(',') }
  return `/${space}/events${queryString({ ...names, cache, key, index, ...range })}`
}

/** What a stream tells, whichever kind of event it is. */
type Told = Omit<DomainEventTold, 'kind'> & Omit<EntryTold, 'kind'> & Omit<ResetTold, 'kind'>

export function gridEventOf(type: string, data: string, id: string | undefined): GridEvent {
  const told = JSON.parse(data) as Told
  const { position, version, name, payload, cache, change, key, value, reason } = told
  if (type === 'reset') return { kind: 'reset', id, position, reason }
  if (type === 'entry') return { kind: 'entry', id, position, cache, change, key, value, version }
  return { kind: 'event', id, position, name, payload, version }
}
