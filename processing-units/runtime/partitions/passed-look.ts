import { type ErrorCode, GridError } from '@spacegrid/grid/core/errors'
import type { FollowFilter, Watched, WatchOptions } from '@spacegrid/grid/doors/request/live'
import type { FollowAsked } from '../live/live-feed.ts'
import { lookMs } from '../live/unit-live.ts'

/** A look at what happens in a partition, as another unit is asked for it. */
export const writeLook = (filter: FollowFilter, { after, isFirst }: FollowAsked): string =>
  JSON.stringify({ filter, after, isFirst })

export function readLook(input: string): [filter: FollowFilter, asked: FollowAsked] {
  const { filter, ...asked } = JSON.parse(input) as Omit<FollowAsked, 'withinMs'> & {
    readonly filter: FollowFilter
  }
  return [filter, { ...asked, withinMs: lookMs }]
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
  return { ...watched, failure: new GridError(code, message, { details }) }
}
