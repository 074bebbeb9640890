import { GridError } from '../errors.ts'
import type { Log } from '../ports/log.ts'
import { decodeWindowPart, type WindowPart } from '../records/window-codec.ts'

/*
 * Finding one's way in a change queue. Its records are numbered by the queue itself; which log positions they cover is in each of
 * them. A window never begins above the one before it ends, so what follows a window that covers a position covers all later ones.
 */

/** The queue was trimmed between two looks at it: it is looked at again. */
const attemptsMax = 5

/** The newest whole window of a queue. */
export interface NewestWindow {
  /** Queue position of the queue's last record: that of the window, or of an unfinished one behind it. */
  readonly last: number
  /** When the last record was stored, ms since the epoch, by the queue's clock. */
  readonly storedAt: number
  /** undefined: the queue holds no whole window. */
  readonly part: WindowPart | undefined
}

export async function findNewestWindow(changes: Log): Promise<NewestWindow> {
  return await retried(async () => {
    const { first, last } = await changes.bounds()
    let storedAt: number | undefined
    for (let at = last; at >= first; ) {
      const record = await changes.read(at)
      if (!record) return undefined
      storedAt ??= record.time
      const part = decodeWindowPart(record.data)
      if (part.part === part.parts - 1) return { last, storedAt, part }
      at -= part.part + 1
    }
    return { last, storedAt: storedAt ?? 0, part: undefined }
  })
}

/**
 * The queue position after which to read, so that the first window that covers `position + 1` is not missed. Found by bisection: some
 * window ends at or before `position` and the next one after it, and the next one then begins at or before it.
 */
export async function findWindowAfter(changes: Log, position: number): Promise<number> {
  return await retried(async () => {
    const { first, last } = await changes.bounds()
    let low = first - 1
    let high = last + 1
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      const record = await changes.read(middle)
      if (!record) return undefined
      if (decodeWindowPart(record.data).to <= position) low = middle
      else high = middle
    }
    return low
  })
}

/** Where the first window at or behind a queue position begins, in log positions; undefined: the queue holds none. */
export async function findOldestFrom(changes: Log, notBefore = 1): Promise<number | undefined> {
  const oldest = await retried(async () => {
    const { first, last } = await changes.bounds()
    for (let at = Math.max(first, notBefore); at <= last; at++) {
      const record = await changes.read(at)
      if (!record) return undefined
      const { part, from } = decodeWindowPart(record.data)
      if (part === 0) return { from }
    }
    return { from: undefined }
  })
  return oldest.from
}

async function retried<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const found = await look()
    if (found !== undefined) return found
  }
  throw new GridError('not_ready', 'The change queue is trimmed faster than it is read')
}
