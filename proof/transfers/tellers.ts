import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import type { PatientClient } from '../support/patient-client.ts'
import type { Transfer } from './judge-transfers.ts'

export interface TellersOptions {
  readonly transfers: number
  /** That ask at the same time, each for one transfer after the other. */
  readonly tellers: number
  readonly accounts: number
  readonly seed: number
  /** Of the transfers, those that have to do with one of the few accounts that everybody wants. */
  readonly hotShare: number
}

const space = 'transfers'
/** Of every so many accounts one begins with nothing: transfers from it are refused for a while. */
const poorEvery = 16
const openingBalance = 100_000
const amountMax = 100
const hotAccounts = 4
/** Asked again, with the same key, for so long. */
const giveUpMs = 180_000
const openedAtOnce = 32

/** Tellers that make transfers between accounts at random, and know what each came to. */
export class Tellers {
  readonly done: Transfer[] = []
  /** Balances at first. */
  readonly opened = new Map<string, number>()
  /** Answers that no fault of the world excuses. */
  readonly bugs: string[] = []
  /** Between two answers at the longest, ms. */
  silenceMsMax = 0
  #answeredAt = 0
  readonly #client: PatientClient
  readonly #options: TellersOptions
  #asked = 0

  constructor(client: PatientClient, options: TellersOptions) {
    this.#client = client
    this.#options = options
  }

  get acknowledged(): number {
    return this.done.filter(({ fate }) => fate === 'done').length
  }

  async open(): Promise<void> {
    const { accounts } = this.#options
    for (let at = 0; at < accounts; at++)
      this.opened.set(`a${at}`, at % poorEvery === poorEvery - 1 ? 0 : openingBalance)
    const left = this.opened.entries()
    const openSome = async () => {
      for (const [account, balance] of left) {
        const answer = await this.#client.persist(space, 'open', { account, balance }, giveUpMs)
        if (answer?.status !== 200)
          throw new Error(`${account} cannot be opened: ${JSON.stringify(answer)}`)
      }
    }
    await Promise.all(Array.from({ length: openedAtOnce }, openSome))
  }

  /** Until all has been asked for, or the signal aborts: what has been begun is seen through. */
  async work(signal: AbortSignal): Promise<void> {
    const { tellers, seed } = this.#options
    this.#answeredAt = performance.now()
    const each = Array.from({ length: tellers }, (_, number) =>
      this.#teller(new SeededRandom(seed + number), signal),
    )
    await Promise.all(each)
  }

  async #teller(random: SeededRandom, signal: AbortSignal): Promise<void> {
    // They do not begin all at once.
    await sleep(random.below(100))
    while (!signal.aborted && this.#asked < this.#options.transfers) {
      this.#asked++
      const { accounts, hotShare } = this.#options
      const from = random.below(random.chance(hotShare) ? hotAccounts : accounts)
      const to = (from + 1 + random.below(accounts - 1)) % accounts
      const asked = {
        transfer: random.id(),
        from: `a${from}`,
        to: `a${to}`,
        amount: 1 + random.below(amountMax),
      }
      const { transfer: id, ...rest } = asked
      this.done.push({ id, ...rest, fate: await this.#fateOf(asked) })
    }
  }

  async #fateOf(asked: { readonly transfer: string }): Promise<Transfer['fate']> {
    const { transfer } = asked
    const answer = await this.#client.persist(space, 'transfer', asked, giveUpMs, transfer)
    const now = performance.now()
    this.silenceMsMax = Math.max(this.silenceMsMax, now - this.#answeredAt)
    this.#answeredAt = now
    if (answer?.status === 200) return 'done'
    if (!answer) return 'unknown'
    const { code, error } = answer.body
    if (code !== 'rejected' || error?.reason !== 'not_enough')
      this.bugs.push(
        `${transfer} was answered with ${answer.status} ${JSON.stringify(answer.body)}`,
      )
    return answer.isLate ? 'unknown' : 'refused'
  }
}
