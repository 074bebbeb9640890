import { hash } from 'node:crypto'

/**
 * The tags of one query's answers: a hash of the serialized result alone. The body also names the
 * position, which moves with every transaction of the space; tagged by the whole body, no answer
 * would ever be met again. Two bodies with one tag say the same about the same question as of
 * different positions, which is what a weak tag means (RFC 9110, 8.8.1). It depends on no unit, so
 * a caller may ask any of them. 128 bits of SHA-256: nobody meets two results with one tag, by
 * accident or on purpose.
 *
 * The last result is kept with its tag: when many ask the same at once, as in a spike, comparing is
 * cheaper than hashing.
 */
export class ResultTags {
  #result = ''
  #tag = ''

  tagOf(serializedResult: string): string {
    if (serializedResult !== this.#result) {
      this.#tag = tagOfBytes(serializedResult)
      this.#result = serializedResult
    }
    return this.#tag
  }
}

/** The same of a result that is not worth comparing, or as bytes. */
export const tagOfBytes = (result: string | Buffer): string =>
  `W/"${hash('sha256', result, 'base64url').slice(0, 22)}"`

/** The tag of an entry: its version, which only that very value bears. */
export const versionTag = (version: number): string => `"${version}"`

const listed = /(?:W\/)?("[^"]*")/g

/**
 * Whether an `If-None-Match` header names this tag, by weak comparison as GET requires (RFC 9110,
 * 13.1.2).
 */
export function noneMatchNames(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  if (header === tag || header.trim() === '*') return true
  const opaque = tag.replace(/^W\//, '')
  for (const [, candidate] of header.matchAll(listed)) if (candidate === opaque) return true
  return false
}
