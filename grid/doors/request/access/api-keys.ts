import { hash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto'
import type { Identity } from '../caller.ts'
import { unauthenticated } from './access-control.ts'

/** A key as it is kept: whoever reads the file cannot use it. */
export interface ApiKeyRecord {
  /** Part of the key, by which its record is found. */
  readonly id: string
  /** Who has it. */
  readonly name: string
  readonly roles: readonly string[]
  /**
   * SHA-256 of the whole key, base64url. No slow hash: those are for passwords, which people think
   * up and others can guess. A key is 256 random bits, of which nobody tries enough in any time;
   * what is hashed slowly is paid for with every request.
   */
  readonly hash: string
  /** ISO 8601. */
  readonly createdAt: string
  /** ISO 8601; from then on it does not hold. Left out: it holds until it is taken away. */
  readonly expiresAt?: string | undefined
}

const keyPattern = /^sgk_([a-z0-9]{12})_[A-Za-z0-9_-]{43}$/
const letters = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** Makes a key: the text is for whoever is to have it, and kept nowhere. */
export function makeApiKey(
  name: string,
  roles: readonly string[],
  { now, expiresAt }: { readonly now: number; readonly expiresAt?: string | undefined },
): { readonly text: string; readonly record: ApiKeyRecord } {
  const id = Array.from({ length: 12 }, () => letters[randomInt(letters.length)]).join('')
  const text = `sgk_${id}_${randomBytes(32).toString('base64url')}`
  const createdAt = new Date(now).toISOString()
  const ends = expiresAt === undefined ? {} : { expiresAt }
  return { text, record: { id, name, roles, hash: hashOf(text), createdAt, ...ends } }
}

interface Known {
  readonly identity: Identity
  readonly hash: Buffer
  readonly until: number
  /** To tell whether it is as it was. */
  readonly text: string
}

/** The keys that hold, as the file has them at the moment. */
export class ApiKeys {
  readonly #now: () => number
  #known: ReadonlyMap<string, Known> = new Map()
  #identities: ReadonlyMap<Identity, Known> = new Map()

  /** @param now ms since the epoch */
  constructor(records: readonly ApiKeyRecord[], now: () => number) {
    this.#now = now
    this.replace(records)
  }

  /** Keys that are still the same are the same callers. */
  replace(records: readonly ApiKeyRecord[]): void {
    const known = new Map<string, Known>()
    for (const record of records) {
      const before = this.#known.get(record.id)
      const text = JSON.stringify(record)
      known.set(record.id, before?.text === text ? before : knownOf(record, text))
    }
    this.#known = known
    this.#identities = new Map([...known.values()].map((one) => [one.identity, one]))
  }

  /** @throws GridError `unauthenticated` */
  identity(key: string): Identity {
    const [, id = ''] = keyPattern.exec(key) ?? []
    const known = this.#known.get(id)
    // The id is no secret, and what follows it is compared in a time that does not depend on it: of
    // hashes, whose bytes nobody can choose without knowing the key.
    if (!known || !timingSafeEqual(Buffer.from(hashOf(key)), known.hash))
      throw unauthenticated('invalid', 'There is no such key')
    if (known.until <= this.#now()) throw unauthenticated('expired', 'The key has expired')
    return known.identity
  }

  /** Whether it is that of a key that holds still. */
  holds(identity: Identity): boolean {
    const known = this.#identities.get(identity)
    return known !== undefined && known.until > this.#now()
  }
}

const hashOf = (text: string): string => hash('sha256', text, 'base64url')

function knownOf({ name, roles, hash: kept, expiresAt }: ApiKeyRecord, text: string): Known {
  const until = expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiresAt)
  // By name: whoever gets another key asks again with the same idempotency key.
  const id = hashOf(`key\n${name}`).slice(0, 22)
  const identity: Identity = Object.freeze({
    ...{ id, name, kind: 'key' as const },
    roles: Object.freeze([...roles]),
    claims: Object.freeze({}),
  })
  return { identity, hash: Buffer.from(kept), until, text }
}
