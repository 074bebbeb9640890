import { comparePoints, type ResumePoint } from '@spacegrid/grid/core/resume-point'
import type { FollowFilter, Happening, ResetReason } from '@spacegrid/grid/doors/request/live'
import { batchBytesMax, happeningsMax } from './batch-limits.ts'
import type { Recent } from './recent.ts'
import type { RememberedChange, RememberedEvent } from './remembered.ts'
import type { viewOf } from './seen-entries.ts'

/** What has happened in one log since a point. */
export interface FollowedPart {
  readonly happenings: readonly Happening[]
  /** Behind all that it tells, or leaves out. */
  readonly upTo: ResumePoint
  readonly reset?: ResetReason | undefined
}

/** What is to be told, to whom. */
export interface Telling {
  readonly filter: FollowFilter
  /** What happened here, and before, has been told. */
  readonly after: ResumePoint
  readonly partition: number
  /** undefined: not events. */
  readonly events: Recent<RememberedEvent> | undefined
  /** Of the cache that is followed; undefined: none is. */
  readonly changes: Recent<RememberedChange> | undefined
  /** How its entries are seen. */
  readonly see: ReturnType<typeof viewOf> | undefined
}

interface Sized {
  readonly told: Happening
  readonly bytes: number
}

export const wantsEvents = ({ events }: FollowFilter): boolean =>
  events === undefined || events.length > 0

/**
 * All that passes the filter, in the order in which it has happened, as far as `position`. Cut at
 * the limit: what is behind the last one that was told comes next.
 */
export function followedPart(telling: Telling, position: number): FollowedPart {
  const happenings: Happening[] = []
  let size = 0
  for (const { told, bytes } of passing(telling)) {
    if (happenings.length >= happeningsMax || size >= batchBytesMax) {
      const { point: last } = happenings.at(-1) as Happening
      const isAll = told.point.position > last.position
      return { happenings, upTo: isAll ? { position: last.position } : last }
    }
    happenings.push(told)
    size += bytes
  }
  return { happenings, upTo: { position } }
}

/** Events and changes are remembered apart, each in their order. */
function* passing({ filter, after, partition, events, changes, see }: Telling): Generator<Sized> {
  const names = filter.events && new Set(filter.events)
  const eventsLeft = events?.from(after.position)
  const changesLeft = changes?.from(after.position)
  let event = eventsLeft?.next().value
  let change = changesLeft?.next().value
  while (event !== undefined || change !== undefined) {
    const isEvent =
      event !== undefined &&
      (change === undefined ||
        event.position < change.position ||
        (event.position === change.position && event.at < change.at))
    const item = (isEvent ? event : change) as RememberedEvent | RememberedChange
    const told = filter.entries || !('number' in item) ? item.at : item.number
    const point = { position: item.position, told }
    if (comparePoints(point, after) > 0) {
      const happening = 'event' in item ? eventOf(item, names) : see?.(item)
      if (happening)
        yield { told: { ...happening, partition, point } as Happening, bytes: item.bytes }
    }
    if (isEvent) event = eventsLeft?.next().value
    else change = changesLeft?.next().value
  }
}

function eventOf({ event, version }: RememberedEvent, names: ReadonlySet<string> | undefined) {
  if (names && !names.has(event.name)) return undefined
  return { kind: 'event' as const, name: event.name, payload: event.payload, version }
}
