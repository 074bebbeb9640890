const mebibyte = 1024 * 1024
/**
 * Node's default for the young generation, which `heap_size_limit` includes: three semi-spaces of
 * 64 MiB.
 */
const youngBytesDefault = 192 * mebibyte

/**
 * Bytes that may live in a heap before the process ends: those of the old generation, for what
 * lives gets there. V8 tells its own limit with the young generation's room included, so what the
 * program was started with is looked at first.
 */
export function heapBytesMax(heapSizeLimit: number, options: readonly string[]): number {
  const old = megabytesOf('--max-old-space-size', options)
  if (old !== undefined) return old
  const semiSpace = megabytesOf('--max-semi-space-size', options)
  const young = semiSpace === undefined ? youngBytesDefault : 3 * semiSpace
  return Math.max(heapSizeLimit - young, heapSizeLimit / 4)
}

/**
 * Node takes both spellings, and the value behind a `=` or as the next option; of several the last
 * one counts.
 */
function megabytesOf(name: string, options: readonly string[]): number | undefined {
  let found: number | undefined
  for (const [at, option] of options.entries()) {
    const [spelled = '', value = options[at + 1]] = option.split('=', 2)
    if (spelled.replaceAll('_', '-') !== name) continue
    const megabytes = Number(value)
    // 0 is V8's word for its own default.
    if (Number.isFinite(megabytes) && megabytes > 0) found = megabytes * mebibyte
  }
  return found
}

/** What Node was started with, for who needs to know the limits of its heap. */
export const heapOptions = (): string[] => [
  ...(process.env.NODE_OPTIONS ?? '').split(/\s+/),
  ...process.execArgv,
]
