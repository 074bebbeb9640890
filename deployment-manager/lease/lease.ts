import { isGridError } from '@spacegrid/grid/core/errors'
import type { Cell } from '@spacegrid/grid/engine/ports/cell'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'

/** How long nobody else works without having heard of the holder. */
const leaseMs = 8000
/** How often the holder says that it is there. */
const renewMs = 2000
/** Clocks of two machines may differ in speed by this part. */
const driftShare = 0.1

interface Held {
  /** '': it was given back. */
  readonly holder: string
  /** Grows with each that takes it. */
  readonly term: number
}

/**
 * The right to work, of which one process has a share at a time (Gray and Cheriton, "Leases: An
 * Efficient Fault-Tolerant Mechanism for Distributed File Cache Consistency", SOSP 1989). The
 * holder counts its time from before it asked for it, everybody else from when they have seen that
 * it was given, each by a monotonic clock of its own: no two clocks need to agree on what time it
 * is, only on how long a second takes, give or take a tenth. A holder that was frozen finds, when
 * it goes on, that its time is over, and writes nothing before it has taken the lease anew. What it
 * had sent before is stopped by whoever it was sent to: each holder has a higher `term`.
 */
export class Lease {
  readonly #cell: Cell
  readonly #clock: Clock
  readonly #name: string
  #revision = 0
  #found: Held | undefined
  /** When the revision was seen first that is there now. */
  #seenAt: number | undefined
  #term: number | undefined
  #validUntil = Number.NEGATIVE_INFINITY
  #renewedAt = Number.NEGATIVE_INFINITY

  /** @param name unique among those that want it */
  constructor(cell: Cell, clock: Clock, name: string) {
    this.#cell = cell
    this.#clock = clock
    this.#name = name
  }

  /** By which what this process does is told from what it did before, and others do after it. */
  get term(): number | undefined {
    return this.isHeld ? this.#term : undefined
  }

  get isHeld(): boolean {
    return this.#term !== undefined && this.#clock.monotonic() < this.#validUntil
  }

  /** Who has it, as far as is known. */
  get holder(): string | undefined {
    return this.isHeld ? this.#name : this.#found?.holder || undefined
  }

  /**
   * Keeps it, or takes it where its holder is silent; to be called several times in `renewMs`.
   * @throws GridError `log_unavailable`: nothing could be found out
   */
  async look(): Promise<void> {
    if (this.#term !== undefined && !this.isHeld) this.#lose()
    if (this.#term !== undefined) {
      if (this.#clock.monotonic() - this.#renewedAt >= renewMs) await this.#write(this.#term)
      return
    }
    const found = await this.#cell.read()
    const now = this.#clock.monotonic()
    const revision = found?.revision ?? 0
    if (this.#seenAt === undefined || revision !== this.#revision) this.#seenAt = now
    this.#revision = revision
    this.#found = found && readHeld(found.data)
    const isFree = !this.#found?.holder
    const silentMs = now - this.#seenAt
    const patienceMs = leaseMs * (1 + driftShare)
    if (isFree || silentMs >= patienceMs) await this.#write((this.#found?.term ?? 0) + 1)
  }

  /** Gives it back, so that the next one need not wait. */
  async release(): Promise<void> {
    const { term } = this
    if (term === undefined) return
    this.#lose()
    try {
      await this.#cell.write(encode({ holder: '', term }), this.#revision)
    } catch (error) {
      // Whoever waits for it waits somewhat longer.
      if (!isGridError(error)) throw error
    }
  }

  async #write(term: number): Promise<void> {
    const askedAt = this.#clock.monotonic()
    try {
      this.#revision = await this.#cell.write(encode({ holder: this.#name, term }), this.#revision)
    } catch (error) {
      // Somebody else was there, perhaps this process itself, whose word was not answered.
      if (!isGridError(error, 'fenced')) throw error
      this.#lose()
      return
    }
    this.#term = term
    this.#renewedAt = askedAt
    this.#validUntil = askedAt + leaseMs
  }

  #lose(): void {
    this.#term = undefined
    this.#validUntil = Number.NEGATIVE_INFINITY
    this.#seenAt = undefined
  }
}

const encode = (held: Held): Uint8Array => Buffer.from(JSON.stringify(held))

/** What cannot be read is nobody's. */
export function readHeld(data: Uint8Array): Held | undefined {
  try {
    const { holder, term } = Object(JSON.parse(Buffer.from(data).toString()))
    return typeof holder === 'string' && Number.isSafeInteger(term) ? { holder, term } : undefined
  } catch {
    return undefined
  }
}
