import { isGridError } from '../../core/errors.ts'
import type { Checkpoint } from '../../engine/ports/store.ts'
import { checkedList, checkedObject, checkedText } from '../../engine/wire/checked.ts'
import { checkpointIn, opened, sealed } from '../../engine/wire/entry-codec.ts'

/** The checkpoint of an image, with what only the image needs. */
export interface ImageCheckpoint extends Checkpoint {
  /**
   * Another one each time the image is built from nothing: a scan that meets two of them has read
   * from two images.
   */
  readonly build: string
  /** Caches that have ever had an entry in this build. */
  readonly caches: readonly string[]
}

/** The position is stored apart as well, so that people and scripts can read it. */
export const encodeImageCheckpoint = (checkpoint: ImageCheckpoint): Buffer => sealed(checkpoint)

/**
 * Undefined unless both parts are there, fit and are as they were written: Redis may have been
 * flushed, or have evicted one of them, or somebody has changed one. The image is built anew then.
 */
export function decodeImageCheckpoint(
  position: Buffer | null | undefined,
  rest: Buffer | null | undefined,
): ImageCheckpoint | undefined {
  if (!position || !rest) return undefined
  const at = Number(position.toString('latin1'))
  // Negative while it is being built.
  if (!Number.isSafeInteger(at)) return undefined
  try {
    const stored = checkedObject(opened(rest))
    const caches = checkedList(stored.caches).map(checkedText)
    return {
      ...checkpointIn(stored, at),
      build: checkedText(stored.build),
      caches,
    }
  } catch (error) {
    if (!isGridError(error, 'record_damaged')) throw error
    return undefined
  }
}

export function toCheckpoint(image: ImageCheckpoint): Checkpoint {
  const { position, logIdentity, digest, entries, replicated } = image
  return { position, logIdentity, digest, entries, replicated }
}
