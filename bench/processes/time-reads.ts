/** Reads between two looks at the clock. */
const batch = 100_000

export interface ReadTimes {
  /**
   * ns per read, the keys being strings just made, as they come out of a request: each must be
   * hashed and compared.
   */
  readonly freshKeyNs: number
  /** ns per read, the keys being the very strings that were used before. */
  readonly sameKeyNs: number
}

/**
 * How long one synchronous read takes, and nothing else: the keys are made before the clock starts.
 * The median of the batches that fit into the time. Each process should time one kind of read only,
 * so that the compiler sees it alone.
 */
export function timeReads(
  read: (key: string) => unknown,
  keyAt: (turn: number) => string,
  ms: number,
): ReadTimes {
  const turns = Array.from({ length: batch }, (_, turn) => keyAt(turn))
  const fresh: number[] = []
  const same: number[] = []
  const until = performance.now() + ms
  do {
    // A string that comes out of bytes is flat and has no hash yet.
    const keys = turns.map((key) => Buffer.from(key, 'latin1').toString('latin1'))
    fresh.push(timeBatch(read, keys))
    same.push(timeBatch(read, keys))
  } while (performance.now() < until)
  return { freshKeyNs: median(fresh), sameKeyNs: median(same) }
}

function timeBatch(read: (key: string) => unknown, keys: readonly string[]): number {
  let missed = 0
  const from = performance.now()
  for (const key of keys) if (read(key) === undefined) missed++
  const elapsedMs = performance.now() - from
  if (missed > 0) throw new Error(`${missed} of ${keys.length} keys were not found`)
  return (elapsedMs * 1e6) / keys.length
}

const median = (values: number[]): number =>
  values.sort((a, b) => a - b)[values.length >>> 1] as number
