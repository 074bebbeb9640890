import type { Space } from '@spacegrid/grid/core/definition'
import { readableEventsNotice } from '@spacegrid/grid/doors/http/readable-events-notice'
import { readableNotice } from '@spacegrid/grid/doors/request/readable-caches'
import { slowPatternNotice, slowPatterns } from '@spacegrid/grid/doors/request/slow-patterns'

/**
 * What whoever starts a space should know about its declarations: they are kept, and may not be
 * what was meant.
 */
export function spaceNotices(space: Space, undeclaredReadable: boolean): string[] {
  const readable = [
    readableNotice(space, undeclaredReadable),
    readableEventsNotice(space, undeclaredReadable),
  ]
  return [
    ...readable.filter((it) => it !== undefined),
    ...slowPatterns(space).map(slowPatternNotice),
  ]
}
