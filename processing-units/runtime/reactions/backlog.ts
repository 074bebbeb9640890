/**
 * Place in the order of the log: position, number of the transaction in its unit (those of one
 * position are all of one), place among the events of the transaction.
 */
export type Place = readonly [position: number, transaction: number, nth: number]

export interface WaitingReaction {
  readonly id: string
  /** Those with the same one are done one after the other. */
  readonly chain: string
  readonly place: Place
  /** When its event was emitted, ms since the epoch. */
  readonly at: number
  readonly isDead: boolean
  /** It keeps those behind it waiting though it is dead. */
  readonly blocks: boolean
}

/**
 * What is in an outbox, in chains: each in the order of the log, whatever order it came in. The
 * first of a chain is what is next there. A dead letter has left its chain, unless it blocks it.
 */
export class Backlog {
  readonly #all = new Map<string, WaitingReaction>()
  readonly #chains = new Map<string, WaitingReaction[]>()
  #dead = 0

  get size(): number {
    return this.#all.size
  }

  get dead(): number {
    return this.#dead
  }

  get chains(): Iterable<string> {
    return this.#chains.keys()
  }

  get all(): Iterable<WaitingReaction> {
    return this.#all.values()
  }

  get(id: string): WaitingReaction | undefined {
    return this.#all.get(id)
  }

  /** Adds it, or replaces what was known of it. */
  put(one: WaitingReaction): void {
    this.remove(one.id)
    this.#all.set(one.id, one)
    if (one.isDead) this.#dead++
    if (one.isDead && !one.blocks) return
    const chain = this.#chains.get(one.chain)
    if (!chain) {
      this.#chains.set(one.chain, [one])
      return
    }
    // They come nearly in order.
    let at = chain.length
    while (at > 0 && isBefore(one.place, (chain[at - 1] as WaitingReaction).place)) at--
    chain.splice(at, 0, one)
  }

  remove(id: string): void {
    const known = this.#all.get(id)
    if (!known) return
    this.#all.delete(id)
    if (known.isDead) this.#dead--
    const chain = this.#chains.get(known.chain)
    const at = chain?.indexOf(known) ?? -1
    if (!chain || at < 0) return
    if (chain.length === 1) this.#chains.delete(known.chain)
    else chain.splice(at, 1)
  }

  /** What is to be done next in a chain; undefined: nothing, or what blocks it is dead. */
  next(chain: string): WaitingReaction | undefined {
    const first = this.#chains.get(chain)?.[0]
    return first?.isDead ? undefined : first
  }

  clear(): void {
    this.#all.clear()
    this.#chains.clear()
    this.#dead = 0
  }
}

function isBefore(one: Place, other: Place): boolean {
  for (const at of [0, 1, 2] as const) if (one[at] !== other[at]) return one[at] < other[at]
  return false
}
