import { GridError } from '@spacegrid/grid/core/errors'
import type { LineName } from '@spacegrid/grid/core/waiting-room'

/** Gives so many places of a lane; resolves to the number of the last of them. */
export type TakePlaces = (line: LineName, lane: string, count: number) => Promise<number>

/** Visitors whose places are on their way to the log; beyond, `overloaded`. */
const openMax = 20_000
/** Places of one transaction. */
const atOnceMax = 5000

interface Asking {
  readonly line: LineName
  readonly lane: string
  waiting: ((number: number | Error) => void)[]
}

/**
 * Gives places: those who ask while a transaction is on its way get theirs with the next one, in
 * the order in which they came (group commit). So a place waits for one round trip to the log,
 * however many come at a time, and across all waiting rooms nobody is before somebody who came more
 * than that round trip earlier. What a crash interrupts leaves numbers out; it never gives one
 * twice.
 */
export class PlaceDesk {
  readonly #take: TakePlaces
  readonly #soon: (callback: () => void) => void
  readonly #lanes = new Map<string, Asking>()
  #open = 0

  /** @param soon calls once, after the work that is already queued */
  constructor(take: TakePlaces, soon: (callback: () => void) => void) {
    this.#take = take
    this.#soon = soon
  }

  /** @throws GridError `overloaded`, and what keeps the place from being written down */
  async place(line: LineName, lane: string): Promise<number> {
    if (this.#open >= openMax)
      throw new GridError('overloaded', `${openMax} visitors wait for their places`, {
        retryAfterMs: 1000,
      })
    this.#open++
    try {
      const number = await new Promise<number | Error>((resolve) => {
        this.#join(line, lane, resolve)
      })
      if (number instanceof Error) throw number
      return number
    } finally {
      this.#open--
    }
  }

  #join(line: LineName, lane: string, told: (number: number | Error) => void): void {
    const key = `${lane}/${line}`
    const asking = this.#lanes.get(key)
    if (asking) {
      asking.waiting.push(told)
      return
    }
    const first: Asking = { line, lane, waiting: [told] }
    this.#lanes.set(key, first)
    // Whoever comes in the same turn of the event loop comes along.
    this.#soon(() => void this.#give(key, first))
  }

  async #give(key: string, asking: Asking): Promise<void> {
    const { line, lane } = asking
    while (asking.waiting.length > 0) {
      const served = asking.waiting.slice(0, atOnceMax)
      asking.waiting = asking.waiting.slice(atOnceMax)
      try {
        const upTo = await this.#take(line, lane, served.length)
        const first = upTo - served.length + 1
        for (const [at, told] of served.entries()) told(first + at)
      } catch (error) {
        for (const told of served) told(error as Error)
      }
    }
    this.#lanes.delete(key)
  }
}
