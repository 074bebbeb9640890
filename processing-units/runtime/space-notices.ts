import type { Space } from '@spacegrid/grid/core/definition'
import { readableNotice } from '@spacegrid/grid/doors/http/readable-caches'
import { slowPatternNotice, slowPatterns } from '@spacegrid/grid/doors/request/slow-patterns'

/**
 * What whoever starts a space should know about its declarations: they are kept, and may not be
 * what was meant.
 */
export function spaceNotices(space: Space, undeclaredReadable: boolean): string[] {
  const notice = readableNotice(space, undeclaredReadable)
  const slow = slowPatterns(space).map(slowPatternNotice)
  return notice === undefined ? slow : [notice, ...slow]
}
