import type { FollowFilter } from '@spacegrid/grid/doors/request/live'
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
