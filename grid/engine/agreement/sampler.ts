import { partsCacheNumber } from '../../core/shape.ts'
import type { SpaceState } from '../../core/space-state.ts'
import type { Clock } from '../ports/clock.ts'
import type { EntryMark, EntryName } from './audit-message.ts'
import { fingerprintOf } from './fingerprint.ts'

/** Time that entries may take at once: what is left over is for another time. */
const sliceMs = 2
/** Characters of the keys of one sample, so that it fits a message. */
const keyCharactersMax = 32 * 1024

/**
 * Walks round and round a replica's entries, a few at a time. What is added or removed meanwhile
 * does no harm.
 */
export class Sampler {
  readonly #state: SpaceState
  readonly #clock: Clock
  #entries: Iterator<EntryMark> | undefined

  constructor(state: SpaceState, clock: Clock) {
    this.#state = state
    this.#clock = clock
  }

  next(entriesMax: number): EntryMark[] {
    this.#entries ??= this.#walk()
    const marks: EntryMark[] = []
    const until = this.#clock.monotonic() + sliceMs
    let characters = 0
    while (marks.length < entriesMax && characters < keyCharactersMax) {
      const { done, value } = this.#entries.next()
      if (done) {
        this.#entries = undefined
        break
      }
      marks.push(value)
      characters += value[1].length
      if (this.#clock.monotonic() >= until) break
    }
    return marks
  }

  *#walk(): Iterator<EntryMark> {
    for (let number = 0; number < this.#state.layout.caches.length; number++) {
      // They are there for moments, and large: what becomes of them is looked at.
      if (number === partsCacheNumber) continue
      const { name } = this.#state.layout.cache(number)
      for (const { key, value, version, position } of this.#state.cache(number).entries.values())
        yield [name, key, position, fingerprintOf(version, value)]
    }
  }
}

/** Of a replica's entry, if it has just that one. */
export function printOf(state: SpaceState, { cache, key, position }: EntryName) {
  const layout = state.layout.named(cache)
  const entry = layout && state.find(layout.number, key)
  return entry?.position === position ? fingerprintOf(entry.version, entry.value) : undefined
}
