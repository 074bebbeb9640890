import { createHash, timingSafeEqual } from 'node:crypto'

/** A secret that others show: compared in a time that says nothing of it. */
export class KnownSecret {
  readonly #digest: Buffer

  constructor(secret: string) {
    this.#digest = digestOf(secret)
  }

  is(shown: string): boolean {
    return timingSafeEqual(digestOf(shown), this.#digest)
  }
}

/** Of one length, whatever is shown: only such can be compared so. */
const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()
