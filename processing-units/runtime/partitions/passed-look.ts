import { type ErrorCode, GridError, isErrorCode } from '@spacegrid/grid/core/errors'
import type { FollowFilter, Watched, WatchOptions } from '@spacegrid/grid/doors/request/live'
import { checkedObject, checkedText } from '@spacegrid/grid/engine/wire/checked'
import type { FollowAsked } from '../live/live-feed.ts'
import { lookMs } from '../live/unit-live.ts'

/** A look at what happens in a partition, as another unit is asked for it. */
export const writeLook = (filter: FollowFilter, { after, isFirst }: FollowAsked): string =>
  JSON.stringify({ filter, after, isFirst })

/** @throws GridError `record_damaged` */
export function readLook(input: unknown): [filter: FollowFilter, asked: FollowAsked] {
  try {
    const { filter, after, isFirst } = checkedObject(JSON.parse(checkedText(input)))
    const asked = { after, isFirst } as Pick<FollowAsked, 'after' | 'isFirst'>
    return [checkedObject(filter) as FollowFilter, { ...asked, withinMs: lookMs }]
  } catch (cause) {
    throw new GridError('record_damaged', 'A passed look is none', { cause })
  }
}

/** What of a query is watched in a partition, as another unit is asked for it. */
export interface PassedWatch {
  readonly input: unknown
  readonly known: string | null
}

export const readWatch = ({ known }: PassedWatch, position: number | undefined): WatchOptions => ({
  known: known ?? undefined,
  position,
  withinMs: lookMs,
})

interface PassedFailure {
  readonly code: ErrorCode
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

/** An answer as it is sent to another unit: errors travel as what they say. */
export type PassedWatched = Omit<Watched, 'failure'> & { readonly failure?: PassedFailure }

export function packWatched({ failure, ...watched }: Watched): PassedWatched {
  if (!failure) return watched
  const { code, message, details } = failure
  return { ...watched, failure: { code, message, details } }
}

export function unpackWatched({ failure, ...watched }: PassedWatched): Watched {
  if (!failure) return watched
  const { code, message, details } = failure
  // A newer version may have codes that this one does not know.
  const known = isErrorCode(code) ? code : 'internal'
  return { ...watched, failure: new GridError(known, message, { details }) }
}
