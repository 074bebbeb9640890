import type { MendWish } from '@spacegrid/grid/engine/agreement/audit-message'

/** Of a name in a message beside its bytes: what says how long its two texts are. */
const nameBytes = 16

type Name = MendWish['entries'][number]

/** A wish for some entries and caches as wishes that each fit a message of `bytesMax`. */
export function* wishesOf(
  entries: Iterable<Name>,
  caches: Iterable<string>,
  bytesMax: number,
): Generator<MendWish> {
  let wish = emptyWish()
  let bytes = 0
  const makeRoom = function* (more: number) {
    if (bytes > 0 && bytes + more > bytesMax) {
      yield wish
      wish = emptyWish()
      bytes = 0
    }
    bytes += more
  }
  for (const cache of caches) {
    yield* makeRoom(bytesOf(cache))
    wish.caches.push(cache)
  }
  for (const [cache, key] of entries) {
    yield* makeRoom(bytesOf(cache) + bytesOf(key))
    wish.entries.push([cache, key])
  }
  if (bytes > 0) yield wish
}

const emptyWish = () => ({ entries: [] as Name[], caches: [] as string[], everywhere: false })

const bytesOf = (text: string): number => nameBytes + Buffer.byteLength(text)
