import type { Checkpoint } from '../../ports/store.ts'
import { messagePack } from '../../records/message-pack.ts'

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

/** The position is stored apart, so that people and scripts can read it. */
export const encodeImageCheckpoint = ({ position: _, ...rest }: ImageCheckpoint): Buffer =>
  messagePack.pack(rest)

/**
 * Undefined unless both parts are there: Redis may have been flushed, or have evicted one of them.
 */
export function decodeImageCheckpoint(
  position: Buffer | null | undefined,
  rest: Buffer | null | undefined,
): ImageCheckpoint | undefined {
  if (!position || !rest) return undefined
  const bytes = new Uint8Array(rest.buffer, rest.byteOffset, rest.byteLength)
  return {
    ...messagePack.unpack<ImageCheckpoint>(bytes),
    position: Number(position.toString('latin1')),
  }
}

export function toCheckpoint(image: ImageCheckpoint): Checkpoint {
  const { position, logIdentity, digest, entries, replicated } = image
  return { position, logIdentity, digest, entries, replicated }
}
