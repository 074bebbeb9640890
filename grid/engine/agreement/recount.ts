import { hashString } from '../../core/hash.ts'
import type { SpaceState } from '../../core/space-state.ts'
import { Digest } from '../../core/version.ts'
import { Turns } from '../life/turns.ts'
import type { Clock } from '../ports/clock.ts'
import type { Replica } from '../replica/replica.ts'

/** Entries counted before the clock is looked at. */
const entriesAtOnce = 256

export interface Recount {
  readonly position: number
  /** As the entries say. */
  readonly counted: string
  /** As it was kept account of. */
  readonly kept: string
}

/**
 * Counts a replica's digest anew from its entries. The replica waits with melding meanwhile (a
 * fifth of a second for a million entries), so that the count is of one position; everything else
 * has its turn every few milliseconds. undefined: the replica has gone.
 */
export async function recount(replica: Replica, clock: Clock): Promise<Recount | undefined> {
  const release = await replica.hold()
  try {
    if (replica.failure) return undefined
    const { state } = replica
    const counted = await countDigest(state, clock)
    return { position: state.position, counted, kept: state.digest.toString() }
  } finally {
    release()
  }
}

async function countDigest(state: SpaceState, clock: Clock): Promise<string> {
  const turns = new Turns(clock)
  const digest = new Digest()
  let count = 0
  for (const { number } of state.layout.caches)
    for (const { key, version } of state.cache(number).entries.values()) {
      digest.toggle(number, hashString(key), version)
      if (++count % entriesAtOnce === 0) await turns.pause()
    }
  return digest.toString()
}
