import { isGridError } from '@spacegrid/grid/core/errors'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Random } from '@spacegrid/grid/engine/ports/random'
import type { AskPart } from './ask-part.ts'
import type { TurnAnswer } from './turns.ts'

export interface TurnTakingParts {
  readonly clock: Clock
  readonly random: Random
  readonly ask: AskPart
}

/** Turns of all commands of a space are given in one place: only there it is known who waits. */
const partition = 0
/** One ask; whoever gives turns and does not answer by then may be paused. */
const askedMs = 1000
/** So long nobody is asked who has not answered. */
const silentMs = 5000
/** Somebody was met over a key so lately: whoever wants it waits for its turn first. */
const crowdedMs = 1000
const crowdedMax = 1024

/**
 * Turns among commands that meet each other (`Turns`), as a coordinator takes them. Without a turn,
 * because nobody gives one or too many wait, a command goes on as if there were none.
 */
export class TurnTaking {
  readonly #parts: TurnTakingParts
  /** By key: until when, monotonic ms; those that were noted last are last. */
  readonly #crowded = new Map<number, number>()
  #silentUntil = 0

  constructor(parts: TurnTakingParts) {
    this.#parts = parts
  }

  /** Commands have met each other over one of these keys. */
  met(keys: readonly number[]): void {
    const until = this.#parts.clock.monotonic() + crowdedMs
    for (const key of keys) {
      this.#crowded.delete(key)
      this.#crowded.set(key, until)
    }
    for (const key of this.#crowded.keys()) {
      if (this.#crowded.size <= crowdedMax) break
      this.#crowded.delete(key)
    }
  }

  /** Whether others are to be expected over one of these keys. */
  isCrowded(keys: readonly number[]): boolean {
    if (this.#crowded.size === 0) return false
    const now = this.#parts.clock.monotonic()
    return keys.some((key) => (this.#crowded.get(key) ?? 0) > now)
  }

  /**
   * Waits for the turn of a command with these keys.
   * @param until monotonic ms
   * @returns ends the turn; undefined: there is none
   */
  async take(keys: readonly number[], until: number): Promise<(() => void) | undefined> {
    const { clock, random } = this.#parts
    if (clock.monotonic() < this.#silentUntil) return undefined
    const id = random.id()
    const end = () => void this.#ask('endTurn', { id }).catch(() => undefined)
    for (let leftMs = until - clock.monotonic(); leftMs > 0; leftMs = until - clock.monotonic()) {
      const withinMs = Math.min(askedMs, leftMs)
      const asked = { id, keys, withinMs }
      try {
        const answer = (await this.#ask('turn', asked)) as TurnAnswer | undefined
        if (answer === 'yours') return end
        this.met(keys)
        if (answer !== 'later') return undefined
      } catch (error) {
        if (!isGridError(error)) throw error
        this.#silentUntil = clock.monotonic() + silentMs
        break
      }
    }
    end()
    return undefined
  }

  #ask(operation: 'turn' | 'endTurn', asked: object): Promise<unknown> {
    const withinMs = 2 * askedMs
    return this.#parts.ask({ partition, operation, asked, withinMs, isOnce: true })
  }
}
