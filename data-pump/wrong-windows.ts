import type { DigestDifference } from './digest-trail.ts'

const windowsMax = 16

/**
 * Published windows that were found wrong: nobody goes on behind them. What they brought is
 * published anew.
 */
export class WrongWindows {
  readonly #digests = new Map<number, string>()

  add({ position, published }: DigestDifference): void {
    this.#digests.set(position, published)
    const [oldest] = this.#digests.keys()
    if (this.#digests.size > windowsMax && oldest !== undefined) this.#digests.delete(oldest)
  }

  readonly isWrong = ({ to, digest }: { readonly to: number; readonly digest: string }): boolean =>
    this.#digests.get(to) === digest
}
