import type { Clock, Timer } from '@spacegrid/grid/engine/ports/clock'

/** `never`: too many wait already. */
export type TurnAnswer = 'yours' | 'later' | 'never'

/** Of all that wait or have their turn; beyond, commands go without. */
const ticketsMax = 10_000
/** A place is kept for so long when nobody asks for it, and a turn that nobody ends, ms. */
const keptMs = 2500

interface Ticket {
  readonly keys: readonly number[]
  /** Queues in which others stand before it. */
  behind: number
  timer: Timer | undefined
  answer: ((answer: TurnAnswer) => void) | undefined
}

/**
 * Whose turn it is among commands that have met each other: first come, first served for each key,
 * and all keys of a command at once, so nobody has one and waits for another. It is advice: those
 * who go without a turn meet the holds in the logs, which decide. It dies with its unit.
 */
export class Turns {
  readonly #clock: Clock
  readonly #tickets = new Map<string, Ticket>()
  /** By key, the first one first. */
  readonly #queues = new Map<number, Set<Ticket>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** That wait. */
  get waiting(): number {
    let waiting = 0
    for (const { behind } of this.#tickets.values()) if (behind > 0) waiting++
    return waiting
  }

  /**
   * Resolves when it is this one's turn, or after `withinMs`: asked again it has kept its place.
   * @param id of the command, the same whenever it asks
   * @param keys each once
   */
  take(id: string, keys: readonly number[], withinMs: number): Promise<TurnAnswer> {
    const known = this.#tickets.get(id)
    if (!known && this.#tickets.size >= ticketsMax) return Promise.resolve('never')
    const ticket = known ?? this.#enter(id, keys)
    ticket.answer?.('later')
    if (ticket.behind === 0) {
      this.#keep(id, ticket)
      return Promise.resolve('yours')
    }
    return new Promise((resolve) => {
      ticket.timer?.cancel()
      ticket.timer = this.#clock.after(withinMs, () => ticket.answer?.('later'))
      ticket.answer = (answer) => {
        ticket.answer = undefined
        this.#keep(id, ticket)
        resolve(answer)
      }
    })
  }

  /** Whoever was next has its turn. */
  end(id: string): void {
    const ticket = this.#tickets.get(id)
    if (!ticket) return
    this.#tickets.delete(id)
    ticket.timer?.cancel()
    ticket.answer?.('never')
    ticket.timer?.cancel()
    for (const key of ticket.keys) {
      const queue = this.#queues.get(key) as Set<Ticket>
      const [first] = queue
      queue.delete(ticket)
      if (queue.size === 0) this.#queues.delete(key)
      if (first !== ticket) continue
      const [next] = queue
      if (next && --next.behind === 0) next.answer?.('yours')
    }
  }

  #enter(id: string, keys: readonly number[]): Ticket {
    const ticket: Ticket = { keys, behind: 0, timer: undefined, answer: undefined }
    this.#tickets.set(id, ticket)
    for (const key of keys) {
      const queue = this.#queues.get(key) ?? new Set()
      if (queue.size > 0) ticket.behind++
      this.#queues.set(key, queue.add(ticket))
    }
    return ticket
  }

  #keep(id: string, ticket: Ticket): void {
    ticket.timer?.cancel()
    ticket.timer = this.#clock.after(keptMs, () => this.end(id))
  }
}
