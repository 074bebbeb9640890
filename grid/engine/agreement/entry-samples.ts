import type { SpaceState } from '../../core/space-state.ts'
import { Turns } from '../life/turns.ts'
import type { Clock } from '../ports/clock.ts'
import type { AuditMessage, EntryMark, EntryName, Teller } from './audit-message.ts'
import { printOf, Sampler } from './sampler.ts'

/**
 * Entries of one sample. A message takes up to two milliseconds to make: twenty-five in a second
 * are a twentieth of the time.
 */
const marksMax = 200
const messageMsMin = 40
/**
 * Samples that wait to be compared: half a minute's at most; the oldest are passed over, until the
 * next round.
 */
const samplesMax = 256

export interface EntrySamplesParts {
  readonly self: Teller
  readonly clock: Clock
  /** Whether this replica is the one that tells all of its entries. */
  readonly isFirst: () => boolean
  readonly send: (message: AuditMessage) => void
  /** Somebody has told an entry that is not the same here. */
  readonly differs: (from: Teller, entry: EntryName) => void
}

export interface EntrySamplesOptions {
  readonly tellMs: number
  /** Entries told at least each time; 0: values are not compared. */
  readonly sampleEntries: number
  /** In this time every entry is told. */
  readonly coverMs: number
}

/**
 * Tells others the entries of a replica, some each time, and compares what they tell: digests say
 * which entries there are and of which version, this says that their values are the same.
 */
export class EntrySamples {
  readonly #parts: EntrySamplesParts
  readonly #options: EntrySamplesOptions
  #state: SpaceState | undefined
  #sampler: Sampler | undefined
  /** Entries that are still to be told before the next time. */
  #owed = 0
  /** Of others, that are being compared, the oldest first. */
  readonly #heard: { readonly from: Teller; readonly marks: readonly EntryMark[] }[] = []
  #compared = 0
  #different = 0

  constructor(parts: EntrySamplesParts, options: EntrySamplesOptions) {
    this.#parts = parts
    this.#options = options
  }

  /** Entries compared, values and all. */
  get compared(): number {
    return this.#compared
  }

  /** Of these, those that differed. */
  get different(): number {
    return this.#different
  }

  follow(state: SpaceState): void {
    this.#state = state
    this.#sampler = new Sampler(state, this.#parts.clock)
  }

  /** There is no replica for now. */
  rest(): void {
    this.#state = undefined
    this.#sampler = undefined
  }

  /**
   * One replica tells all of its entries, in time, and everyone compares: the pump, for it runs no
   * handlers; without one, that of the lowest id. The others tell some each time.
   */
  tell(): void {
    const state = this.#state
    const { sampleEntries, tellMs, coverMs } = this.#options
    if (!state || sampleEntries === 0) return
    const all = (state.entryCount * tellMs) / coverMs
    const wanted = this.#parts.isFirst() ? Math.max(all, sampleEntries) : sampleEntries
    const messages = Math.min(Math.ceil(wanted / marksMax), Math.ceil(tellMs / messageMsMin))
    this.#owed = wanted
    for (let n = 0; n < messages; n++)
      if (n === 0) this.#tellSome(state)
      else
        this.#parts.clock.after((n * tellMs) / messages, () => {
          if (state === this.#state) this.#tellSome(state)
        })
  }

  #tellSome(state: SpaceState): void {
    const marks = this.#sampler?.next(Math.min(this.#owed, marksMax)) ?? []
    this.#owed -= marks.length
    if (state !== this.#state || marks.length === 0) return
    this.#parts.send({ kind: 'sample', from: this.#parts.self, marks })
  }

  /** What somebody tells of the entries of theirs. */
  heard(sample: { readonly from: Teller; readonly marks: readonly EntryMark[] }): void {
    this.#heard.push(sample)
    if (this.#heard.length > samplesMax) this.#heard.shift()
    if (this.#heard.length === 1) void this.#compareAll()
  }

  /**
   * In turns: however large the values are, all of them are compared, and nothing else waits for
   * that.
   */
  async #compareAll(): Promise<void> {
    const turns = new Turns(this.#parts.clock)
    for (let sample = this.#heard[0]; sample; sample = this.#heard[0]) {
      for (const mark of sample.marks) {
        this.#compare(sample.from, mark)
        await turns.pause()
      }
      if (this.#heard[0] === sample) this.#heard.shift()
    }
  }

  #compare(from: Teller, [cache, key, position, print]: EntryMark): void {
    const entry = { cache, key, position }
    const own = this.#state && printOf(this.#state, entry)
    if (own === undefined) return
    this.#compared++
    if (own === print) return
    this.#different++
    this.#parts.differs(from, entry)
  }
}
