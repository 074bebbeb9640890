import { GridError, isGridError } from '../../core/errors.ts'
import type { Log } from '../ports/log.ts'
import { decodeWindow, type Pause, type WindowPart } from '../wire/window-codec.ts'
import { partIn, WindowAssembler } from './window-assembler.ts'

/*
 * Finding one's way in a change queue. Its records are numbered by the queue itself; which log
 * positions they cover is in each of them. A window never begins above the one before it ends, so
 * what follows a window that covers a position covers all later ones. A record that is no part of a
 * window (damaged, or somebody else's) counts as not being there; whoever needed it finds the gap.
 * docs/decisions/0015.
 */

/** The queue was trimmed between two looks at it: it is looked at again. */
const attemptsMax = 5

/** The newest whole window of a queue. */
export interface NewestWindow {
  /**
   * Queue position of the queue's last record: that of the window, or of an unfinished one behind
   * it.
   */
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
      const part = partIn(record)
      if (!part) at--
      else if (part.part === part.parts - 1) return { last, storedAt, part }
      else at -= part.part + 1
    }
    return { last, storedAt: storedAt ?? 0, part: undefined }
  })
}

/**
 * The queue position after which to read, so that the first window that covers `position + 1` is
 * not missed. Found by bisection: some window ends at or before `position` and the next one after
 * it, and the next one then begins at or before it.
 */
export async function findWindowAfter(changes: Log, position: number): Promise<number> {
  return await retried(async () => {
    const { first, last } = await changes.bounds()
    let low = first - 1
    let high = last + 1
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      const found = await findPart(changes, middle, high)
      if (found === 'trimmed') return undefined
      // Nothing that can be read is between: the end is where reading begins all the same.
      if (!found || found.part.to > position) high = middle
      else low = found.at
    }
    return low
  })
}

/** The first part of a window at or behind a place, and before another one. */
async function findPart(
  changes: Log,
  from: number,
  before: number,
): Promise<{ readonly at: number; readonly part: WindowPart } | 'trimmed' | undefined> {
  for (let at = from; at < before; at++) {
    const record = await changes.read(at)
    if (!record) return 'trimmed'
    const part = partIn(record)
    if (part) return { at, part }
  }
  return undefined
}

/**
 * Where the first window at or behind a queue position begins, in log positions; undefined: the
 * queue holds none.
 */
export async function findOldestFrom(changes: Log, notBefore = 1): Promise<number | undefined> {
  const oldest = await retried(async () => {
    const { first, last } = await changes.bounds()
    for (let at = Math.max(first, notBefore); at <= last; at++) {
      const record = await changes.read(at)
      if (!record) return undefined
      const found = partIn(record)
      if (found?.part === 0) return { from: found.from }
    }
    return { from: undefined }
  })
  return oldest.from
}

/**
 * Whether the queue's windows, at or behind a place in it, continue a store at `position`: the
 * first one that does is whole and can be read, or there is none yet. The newest one does not end
 * before it.
 */
export async function leadsOn(
  changes: Log,
  position: number,
  pause: Pause,
  notBefore = 1,
): Promise<boolean> {
  const first = Math.max(notBefore, (await findWindowAfter(changes, position)) + 1)
  const assembler = new WindowAssembler()
  for (let at = first; ; at++) {
    const record = await changes.read(at)
    if (!record) return at > (await changes.bounds()).last
    const part = partIn(record)
    if (!part) return false
    if (at === first && (part.part > 0 || part.from > position)) return false
    const window = assembler.add(at, record.data)
    if (window) return window.from <= position && (await isReadable(window.parts, pause))
  }
}

/** Whether a whole window is what a pump has made. */
export async function isReadable(parts: readonly WindowPart[], pause: Pause): Promise<boolean> {
  try {
    await decodeWindow(parts, pause)
    return true
  } catch (error) {
    if (isGridError(error, 'record_damaged')) return false
    throw error
  }
}

async function retried<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const found = await look()
    if (found !== undefined) return found
  }
  throw new GridError('not_ready', 'The change queue is trimmed faster than it is read')
}
