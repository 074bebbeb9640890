import { FrameKind } from '@spacegrid/grid/core/frame'
import type { LogName } from '@spacegrid/grid/core/log-name'
import { initialShape, mergeShapes, type SpaceShape } from '@spacegrid/grid/core/shape'
import { MongoStore } from '@spacegrid/grid/drivers/mongodb/mongo-store'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import type { LogRecord } from '@spacegrid/grid/engine/ports/log'
import { readRecord } from '@spacegrid/grid/engine/replica/record-reader'
import { decodeHeader } from '@spacegrid/grid/engine/wire/snapshot-codec'

/**
 * Names of the caches that records have numbers for: from the definition that somebody knows of
 * the space, and from what is seen of it in the log.
 */
export class CacheNames {
  #shape: SpaceShape

  constructor(shape: SpaceShape = initialShape) {
    this.#shape = shape
  }

  of(cache: number): string {
    return this.#shape.caches[cache]?.name ?? `cache ${cache}`
  }

  indexOf(cache: number, index: number): string {
    return this.#shape.caches[cache]?.indexes[index]?.name ?? `index ${index}`
  }

  /** A record may add to the definition. */
  see({ data }: LogRecord): void {
    const frame = readRecord(data)
    if (!('kind' in frame) || frame.kind !== FrameKind.shape) return
    try {
      this.#shape = mergeShapes(this.#shape, frame.shape)
    } catch {
      // One that contradicts the log's is refused by every replica.
    }
  }
}

/** As far as MongoDB knows the space, and is there. */
export async function storedNames(
  url: string | undefined,
  database: string,
  logName: LogName,
): Promise<CacheNames> {
  if (url === undefined) return new CacheNames()
  const store = new MongoStore(url, new SystemClock(), { database })
  try {
    const checkpoint = await store.checkpoint(logName)
    return new CacheNames(checkpoint && decodeHeader(checkpoint.replicated).shape)
  } catch {
    // Who looks at a log must not need the store: numbers stand for the names then.
    return new CacheNames()
  } finally {
    await store.close()
  }
}
