import type { SpaceState } from './space-state.ts'

const samplesPerCache = 50

/**
 * Bytes of the entries' values, as JSON: each cache's size times the mean of its first entries. An
 * estimate, cheap enough to ask for often.
 */
export function estimateBytes(state: SpaceState): number {
  let bytes = 0
  for (let number = 0; number < state.layout.caches.length; number++) {
    const { entries } = state.cache(number)
    let sampled = 0
    let sampledBytes = 0
    for (const entry of entries.values()) {
      if (sampled === samplesPerCache) break
      sampled++
      sampledBytes += JSON.stringify(entry.value).length
    }
    if (sampled > 0) bytes += Math.round((sampledBytes / sampled) * entries.size)
  }
  return bytes
}
