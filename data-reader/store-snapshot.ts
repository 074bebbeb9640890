import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import type { SpaceShape } from '@spacegrid/grid/core/shape'
import { findWindowAfter } from '@spacegrid/grid/engine/changes/change-queue'
import { takeWindows } from '@spacegrid/grid/engine/changes/window-batch'
import { WindowFeed } from '@spacegrid/grid/engine/changes/window-feed'
import { Wakeup } from '@spacegrid/grid/engine/life/wakeup'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import type {
  Checkpoint,
  PackedEntries,
  Store,
  StoredChange,
  StoredEntry,
  StoreScan,
} from '@spacegrid/grid/engine/ports/store'
import type { SnapshotSource } from '@spacegrid/grid/engine/replica/snapshot-source'
import { decodeHeader, type SnapshotChunk } from '@spacegrid/grid/engine/wire/snapshot-codec'
import { decodeWindow, type Window } from '@spacegrid/grid/engine/wire/window-codec'

/**
 * The image shows a checkpoint only after its window is in the queue, so nothing that is missed
 * comes later than this.
 */
const missedWindowMsMax = 5000
const windowBytesMax = 4 * 1024 * 1024
const noPause = () => undefined

/** What is stored is nothing that this version could have written. */
export const isUnreadable = (error: unknown): error is GridError =>
  isGridError(error, 'format_unsupported') || isGridError(error, 'record_damaged')

/** To who copies what is in memory, what has left it is gone. */
const asInMemory = (change: StoredChange): StoredChange =>
  change.archived ? { ...change, value: undefined } : change

export interface StoreSnapshotPorts {
  readonly store: Store
  readonly changes: Log
  readonly clock: Clock
}

export interface StoreSnapshotOptions {
  /**
   * Called when the last piece has been read, or there is one that never can be. Default: nobody
   * is.
   */
  readonly finished?: () => void
  /** What to tell whoever reads, when what is stored cannot be read. Default: just that. */
  readonly failed?: (error: GridError) => GridError
  /** For who only passes it on: entries may come packed. Default false. */
  readonly packed?: boolean
}

/**
 * A snapshot of a store, taken while it changes: its entries as the scan finds them and, if the
 * store has moved on meanwhile, the windows of the change queue that moved it. What the windows
 * bring is newer than, or the same as, what was scanned, or is passed over by whoever restores it;
 * so at the end the copy is exactly the store at the scan's last checkpoint. architecture.md,
 * invariant 8.
 */
export class StoreSnapshot implements SnapshotSource {
  readonly #logName: LogName
  readonly #ports: StoreSnapshotPorts
  readonly #scan: StoreScan
  readonly #chunks: AsyncGenerator<SnapshotChunk, void>
  readonly #packed: boolean
  readonly #finished: () => void
  readonly #failed: (error: GridError) => GridError
  readonly #closing = new AbortController()
  /** The piece that will be asked for next, read while the one before it travels. */
  #ahead: Promise<IteratorResult<SnapshotChunk, void>> | undefined
  #shape: SpaceShape
  #shapeText = ''

  constructor(
    logName: LogName,
    ports: StoreSnapshotPorts,
    scan: StoreScan,
    options: StoreSnapshotOptions = {},
  ) {
    const { finished = () => undefined, failed = (error) => error, packed = false } = options
    this.#packed = packed
    this.#failed = failed
    this.#logName = logName
    this.#ports = ports
    this.#scan = scan
    this.#shape = decodeHeader(scan.start.replicated).shape
    this.#finished = finished
    this.#chunks = this.#read()
  }

  /** @throws GridError whatever the store or the queue failed with */
  async next(): Promise<SnapshotChunk> {
    const { done, value } = await (this.#ahead ?? this.#chunks.next()).catch((error) => {
      if (!isUnreadable(error)) throw error
      this.#finished()
      throw this.#failed(error)
    })
    if (done) throw new Error('the snapshot has been read to its end')
    this.#ahead = value.end ? undefined : this.#chunks.next()
    // A failure is for whoever asks for that piece.
    this.#ahead?.catch(() => undefined)
    if (value.end) this.#finished()
    return value
  }

  close(): void {
    this.#closing.abort()
    const close = async () => {
      await this.#chunks.return()
      await this.#scan.close()
    }
    // The scan was only read from: what its closing fails with concerns nobody.
    close().catch(() => undefined)
  }

  async *#read(): AsyncGenerator<SnapshotChunk, void> {
    const { start } = this.#scan
    for await (const entries of this.#entries()) {
      if (this.#closing.signal.aborted) return
      const isPacked = 'parts' in entries
      await this.#knowCachesOf(isPacked ? [entries] : entries)
      const what = isPacked ? { changes: [], packed: entries } : { changes: entries }
      yield { shape: this.#newShape(), ...what, end: undefined }
    }
    const end = await this.#scan.end()
    for await (const { changes, checkpoint } of this.#missed(start, end)) {
      this.#shape = decodeHeader(checkpoint.replicated).shape
      yield { shape: this.#newShape(), changes: changes.map(asInMemory), end: undefined }
    }
    const header = decodeHeader(end.replicated)
    this.#shape = header.shape
    yield { shape: this.#newShape(), changes: [], end: { header, digest: end.digest } }
  }

  #entries(): AsyncIterable<StoredEntry[] | PackedEntries> {
    const scan = this.#scan
    return this.#packed && scan.packedChunks ? scan.packedChunks() : scan.chunks()
  }

  /** The windows that moved the store while it was scanned. */
  async *#missed(start: Checkpoint, end: Checkpoint): AsyncGenerator<Window, void> {
    if (end.position <= start.position) return
    const { changes, clock } = this.#ports
    const wakeup = new Wakeup(clock)
    const after = await findWindowAfter(changes, start.position)
    const feed = new WindowFeed(changes, after, {
      bytesMax: windowBytesMax,
      wake: () => wakeup.wake(),
    })
    try {
      feed.start()
      let reached = start.position
      let waited = false
      while (reached < end.position) {
        const { windows, gap } = takeWindows(feed, reached, end.logIdentity, windowBytesMax)
        if (windows.length === 0) {
          if (gap !== undefined || feed.failure || waited) throw this.#cannotFollow(reached, end)
          await wakeup.sleep(this.#closing.signal, missedWindowMsMax)
          waited = !feed.next
          continue
        }
        for (const { to, parts } of windows) {
          if (reached >= end.position) break
          if (to > end.position) throw this.#cannotFollow(reached, end)
          yield await decodeWindow(parts, noPause)
          reached = to
        }
      }
    } finally {
      await feed.stop()
    }
  }

  #cannotFollow(reached: number, end: Checkpoint): GridError {
    return new GridError(
      'not_ready',
      `The change queue does not lead ${this.#logName} from ${reached} to ${end.position}; the snapshot has to begin anew`,
      { retryAfterMs: 500 },
    )
  }

  /**
   * A cache may have been added after the scan's start: then a later checkpoint tells its shape.
   */
  async #knowCachesOf(entries: readonly { readonly cache: string }[]): Promise<void> {
    let known: string | undefined
    const isKnown = ({ cache }: { readonly cache: string }) => {
      // They come a cache at a time.
      if (cache !== known && this.#shape.caches.some(({ name }) => name === cache)) known = cache
      return cache === known
    }
    if (entries.every(isKnown)) return
    const checkpoint = await this.#ports.store.checkpoint(this.#logName)
    if (checkpoint) this.#shape = decodeHeader(checkpoint.replicated).shape
  }

  /** The shape, if it has changed since it was told last. */
  #newShape(): SpaceShape | undefined {
    const text = JSON.stringify(this.#shape)
    if (text === this.#shapeText) return undefined
    this.#shapeText = text
    return this.#shape
  }
}
