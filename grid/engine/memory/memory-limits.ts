/**
 * Sizes of what a process holds beside the entries, within its budget. A large heap has the sizes
 * that serve best; in a small one they shrink with it, so that what is on its way fits into the
 * room between where commands are refused and the end of the heap.
 */
export interface MemoryLimits {
  /** Bytes of one transaction. */
  readonly transactionBytesMax: number
  /** Bytes of a unit's transactions that have no outcome yet. */
  readonly pendingBytesMax: number
  /** Bytes of one frame. */
  readonly frameBytesMax: number
  /** Bytes of one window of changes. */
  readonly windowBytesMax: number
  /** Bytes of windows merged into one step of a store. */
  readonly batchBytesMax: number
  /** Bytes of windows that have been read from the change queue and wait. */
  readonly feedBytesMax: number
  /** Bytes of changes that wait while a snapshot of a live replica is read. */
  readonly snapshotBytesMax: number
  /** Bytes of one piece of a snapshot. */
  readonly snapshotPieceBytesMax: number
  /** Bytes of one piece of a scan of a store. */
  readonly scanBytesMax: number
  /** Entries of one piece of a scan of the warm image. */
  readonly scanEntriesMax: number
  /** Entries that the data reader counts, with what it needs to remember of each. */
  readonly countedEntriesMax: number
  /** Memory that the last that has happened may take, while somebody follows it. */
  readonly liveBytesMax: number
}

/** What the data reader remembers of an entry while it counts. */
const countedEntryBytes = 100

const mebibyte = 1024 * 1024

/** Below these a log would be served in portions that cost more than they carry. */
const leastShared = {
  windowBytesMax: 512 * 1024,
  batchBytesMax: 512 * 1024,
  feedBytesMax: mebibyte,
  snapshotBytesMax: 8 * mebibyte,
  scanBytesMax: 512 * 1024,
  scanEntriesMax: 100,
  countedEntriesMax: 100_000,
  liveBytesMax: 2 * mebibyte,
}

/**
 * What each of several logs may hold that are served in one process at the same time, so that all
 * of them hold about as much as one would.
 */
export function sharedLimits(limits: MemoryLimits, logs: number): MemoryLimits {
  const shares = Object.entries(leastShared).map(([name, least]) => {
    const whole = limits[name as keyof MemoryLimits]
    return [name, Math.min(whole, Math.max(least, Math.floor(whole / logs)))]
  })
  return { ...limits, ...Object.fromEntries(shares) }
}

export function limitsWithin(budgetBytes: number): MemoryLimits {
  const within = (bytes: number, divisor: number) =>
    Math.min(bytes, Math.floor(budgetBytes / divisor))
  return {
    transactionBytesMax: within(64 * mebibyte, 64),
    pendingBytesMax: within(128 * mebibyte, 32),
    frameBytesMax: within(768 * 1024, 256),
    windowBytesMax: within(8 * mebibyte, 64),
    batchBytesMax: within(4 * mebibyte, 64),
    feedBytesMax: within(32 * mebibyte, 32),
    snapshotBytesMax: within(256 * mebibyte, 16),
    snapshotPieceBytesMax: within(4 * mebibyte, 128),
    scanBytesMax: within(16 * mebibyte, 64),
    scanEntriesMax: within(1000, 256 * 1024),
    liveBytesMax: within(64 * mebibyte, 32),
    countedEntriesMax: Math.floor(budgetBytes / 4 / countedEntryBytes),
  }
}
