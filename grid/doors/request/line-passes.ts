import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { LineName } from '../../core/waiting-room.ts'

/**
 * What is signed: a place in a line (`ticket`), the right to be inside (`admission`), or the right
 * to a lane (`claim`). One is never taken for another.
 */
export type PassKind = 'ticket' | 'admission' | 'claim'

export interface Pass {
  readonly line: LineName
  readonly lane: string
  /**
   * Of a ticket and an admission the place's number in its lane; of a claim what its maker calls
   * it.
   */
  readonly id: number | string
  /** ms since the epoch. */
  readonly until: number
}

export type PassFault = 'forged' | 'expired'

const letters: Readonly<Record<PassKind, string>> = { ticket: 't', admission: 'a', claim: 'c' }
const passLengthMax = 1024
export const secretLengthMin = 32

interface Key {
  readonly id: string
  readonly secret: string
}

/**
 * Signs passes, and reads those that others have signed with one of the same keys: HMAC with
 * SHA-256 (RFC 2104) over kind and content. Nothing of a pass is kept anywhere: whoever has the key
 * can say whether it holds.
 */
export class LinePasses {
  /** The first one signs. */
  readonly #keys: readonly Key[]

  /** @param secrets the first one signs, all of them are taken; each of 32 characters at least */
  constructor(secrets: readonly string[]) {
    if (secrets.length === 0) throw new TypeError('passes need a secret to sign with')
    this.#keys = secrets.map((secret) => ({
      id: createHash('sha256').update(`key ${secret}`).digest('base64url').slice(0, 6),
      secret,
    }))
  }

  sign(kind: PassKind, { line, lane, id, until }: Pass): string {
    const [key] = this.#keys as readonly [Key]
    const content = Buffer.from(JSON.stringify([line, lane, id, until])).toString('base64url')
    const said = `${letters[kind]}.${key.id}.${content}`
    return `${said}.${mac(said, key.secret)}`
  }

  /** @param now ms since the epoch */
  read(kind: PassKind, text: string, now: number): Pass | PassFault {
    const at = text.lastIndexOf('.')
    const [letter, keyId, content, ...more] = text.slice(0, Math.max(at, 0)).split('.')
    const key = this.#keys.find(({ id }) => id === keyId)
    if (text.length > passLengthMax || letter !== letters[kind] || more.length > 0) return 'forged'
    if (!key || content === undefined) return 'forged'
    // As texts: several of them stand for the same bytes, and only one was given.
    const given = Buffer.from(text.slice(at + 1))
    const wanted = Buffer.from(mac(text.slice(0, at), key.secret))
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return 'forged'
    const [line, lane, id, until] = JSON.parse(Buffer.from(content, 'base64url').toString())
    return until > now ? { line, lane, id, until } : 'expired'
  }
}

const mac = (text: string, secret: string): string =>
  createHmac('sha256', secret).update(text).digest('base64url')

/** Part of the names of a line's cookies: what is in it is no matter of whoever reads a log. */
const cookieLine = (line: LineName): string =>
  createHash('sha256').update(line).digest('base64url').slice(0, 10)

export const cookieNameOf = (kind: PassKind, line: LineName): string =>
  `grid-${kind}-${cookieLine(line)}`

const cookiesMax = 32

/** Values of the cookies whose name begins like this, as a `Cookie` header has them. */
export function cookiesOf(header: string | undefined, prefix: string): string[] {
  if (header === undefined) return []
  return header
    .split(';', cookiesMax)
    .map((one) => one.trim())
    .filter((one) => one.startsWith(prefix))
    .map((one) => one.slice(one.indexOf('=') + 1))
}
