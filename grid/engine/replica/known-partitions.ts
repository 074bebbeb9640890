import { isGridError } from '../../core/errors.ts'
import { initialShape, type SpaceShape } from '../../core/shape.ts'
import type { Checkpoint } from '../ports/store.ts'
import { decodeHeader } from '../wire/snapshot-codec.ts'

/**
 * How many partitions a space has by its definition in the log; undefined: there is none in it yet.
 */
export const partitionsIn = ({ caches, partitions = 1 }: SpaceShape): number | undefined =>
  caches.length > initialShape.caches.length ? partitions : undefined

/** The same of what is stored. Reads each checkpoint once. */
export class StoredPartitions {
  #read: Uint8Array | undefined
  #partitions: number | undefined

  in(checkpoint: Checkpoint | undefined): number | undefined {
    if (checkpoint && checkpoint.replicated !== this.#read) {
      this.#read = checkpoint.replicated
      this.#partitions = partitionsOf(checkpoint)
    }
    return checkpoint && this.#partitions
  }
}

function partitionsOf({ replicated }: Checkpoint): number | undefined {
  try {
    return partitionsIn(decodeHeader(replicated).shape)
  } catch (error) {
    // Of a version that is told elsewhere.
    if (!isGridError(error)) throw error
    return undefined
  }
}
