import { type Checkpoint, isRemovedIfInMemory, type StoredChange } from '../ports/store.ts'
import { decodeWindow, type Pause } from '../wire/window-codec.ts'
import type { QueuedWindow } from './window-assembler.ts'
import type { WindowFeed } from './window-feed.ts'

/** Several windows as one step of a store. */
export interface WindowBatch {
  readonly checkpoint: Checkpoint
  /** At most one per key. */
  readonly changes: readonly StoredChange[]
}

/**
 * Windows that wait in a feed and lead on from `position`, up to `bytesMax`, at least one if there
 * is one.
 */
export interface Taken {
  readonly windows: readonly QueuedWindow[]
  /**
   * A window has been passed over that begins here, beyond `position`: what leads to it is missing.
   */
  readonly gap: number | undefined
}

export function takeWindows(
  feed: WindowFeed,
  position: number,
  logIdentity: string,
  bytesMax: number,
): Taken {
  const windows: QueuedWindow[] = []
  let reached = position
  let bytes = 0
  let gap: number | undefined
  for (let next = feed.next; next; next = feed.next) {
    // What another log's pump has left behind, or what the store has already.
    const isPast = next.logIdentity !== logIdentity || next.to <= reached
    if (!isPast && next.from <= reached) {
      if (windows.length > 0 && bytes + next.bytes > bytesMax) break
      windows.push(next)
      bytes += next.bytes
      reached = next.to
    } else if (!isPast) {
      if (windows.length > 0) break
      gap ??= next.from
    }
    feed.take()
  }
  return { windows, gap: windows.length > 0 ? undefined : gap }
}

/** The windows in one: of every key the last outcome. */
export async function mergeWindows(
  windows: readonly QueuedWindow[],
  pause: Pause,
): Promise<WindowBatch> {
  const decoded = []
  for (const { parts } of windows) {
    decoded.push(await decodeWindow(parts, pause))
    await pause()
  }
  return coalesce(decoded)
}

export function coalesce(
  windows: readonly {
    readonly checkpoint: Checkpoint
    readonly changes: readonly StoredChange[]
  }[],
): WindowBatch {
  const [first] = windows
  const last = windows.at(-1)
  if (!first || !last) throw new Error('there is no window to apply')
  const { checkpoint } = last
  if (windows.length === 1) return { checkpoint, changes: first.changes }
  return { checkpoint, changes: lastOfEachKey(windows.flatMap(({ changes }) => changes)) }
}

/** A step of a store takes one change per key: the last one. */
export function lastOfEachKey(changes: readonly StoredChange[]): StoredChange[] {
  const caches = new Map<string, Map<string, StoredChange>>()
  for (const change of changes) {
    let cache = caches.get(change.cache)
    if (!cache) {
      cache = new Map()
      caches.set(change.cache, cache)
    }
    // What is there already says what becomes of it.
    if (!isRemovedIfInMemory(change) || !cache.has(change.key)) cache.set(change.key, change)
  }
  return [...caches.values()].flatMap((cache) => [...cache.values()])
}
