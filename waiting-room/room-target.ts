import { type LineName, partsOfLine } from '@spacegrid/grid/core/waiting-room'
import type { RoomOptions } from './room-options.ts'

/** Where those go whose turn it is; undefined: nowhere. */
export function linkOf({ target }: RoomOptions, line: LineName): string | undefined {
  if (target === '') return undefined
  const { space, key = '' } = partsOfLine(line)
  return target
    .replaceAll('{space}', encodeURIComponent(space))
    .replaceAll('{key}', encodeURIComponent(key))
}
