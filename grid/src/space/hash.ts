/** 32-bit hash of a string (FNV-1a over UTF-16 code units, then MurmurHash3's finalizer). */
export function hashString(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return finalize(hash)
}

/** MurmurHash3's 32-bit finalizer: every input bit changes every output bit with probability one half. */
function finalize(hash: number): number {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

const high = (n: number): number => Math.floor(n / 0x100000000) >>> 0
const low = (n: number): number => n >>> 0

/** Mixes two non-negative integers below 2^53 and a salt into 32 bits. */
export function mix32(a: number, b: number, salt: number): number {
  let h = finalize(low(a) ^ salt)
  h = finalize(h ^ Math.imul(high(a) + 0x9e3779b9, 0x27d4eb2f))
  h = finalize(h ^ Math.imul(low(b) + 0x165667b1, 0x85ebca77))
  return finalize(h ^ Math.imul(high(b) + 0x2545f491, 0xc2b2ae3d))
}

/** Mixes two non-negative integers below 2^53 into one in [1, 2^53): identities must not be 0, which means "no entry". */
export function mix53(a: number, b: number, salt: number): number {
  return (mix32(a, b, salt) & 0x1fffff) * 0x100000000 + mix32(a, b, salt ^ 0x5bd1e995) || 1
}
