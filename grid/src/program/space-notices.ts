import { readableNotice } from '../http/readable-caches.ts'
import { slowPatternNotice, slowPatterns } from '../services/slow-patterns.ts'
import type { Space } from '../space/definition.ts'

/** What whoever starts a space should know about its declarations: they are kept, and may not be what was meant. */
export function spaceNotices(space: Space, undeclaredReadable: boolean): string[] {
  const notice = readableNotice(space, undeclaredReadable)
  const slow = slowPatterns(space).map(slowPatternNotice)
  return notice === undefined ? slow : [notice, ...slow]
}
