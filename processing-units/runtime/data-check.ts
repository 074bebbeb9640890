import type { Space } from '@spacegrid/grid/core/definition'
import type { Entry } from '@spacegrid/grid/core/entry'
import { entryFit } from '@spacegrid/grid/core/entry-fit'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { AnyCache } from '@spacegrid/grid/core/transaction'

/** Entries that are looked at in one turn: some hundred microseconds. */
const turnEntries = 2000
const examplesMax = 3

/** Entries of one cache that fail alike. */
interface Finding {
  count: number
  readonly keys: string[]
  readonly text: string
}

/**
 * Goes through every entry that the application is about to read, a turn at a time, before it
 * serves: better than to answer with faults where a version meets what it cannot read. The state
 * may go on meanwhile.
 */
export class DataCheck {
  readonly #space: Space
  readonly #state: SpaceState
  #walk: Iterator<void> | undefined
  #findings = new Map<string, Finding>()
  #isDone = false

  constructor(space: Space, state: SpaceState) {
    this.#space = space
    this.#state = state
  }

  get done(): boolean {
    return this.#isDone
  }

  /** What this version cannot read; undefined when that is nothing, or not known yet. */
  get problem(): string | undefined {
    if (!this.#isDone || this.#findings.size === 0) return undefined
    const texts = [...this.#findings.values()].map(({ count, keys, text }) => {
      const examples = keys.map((key) => JSON.stringify(key)).join(', ')
      return `${text}: ${count} ${count === 1 ? 'entry' : 'entries'}, such as ${examples}`
    })
    return `This version of the application cannot read what is stored: ${texts.join('; ')}`
  }

  /** Looks at the entries of one turn. */
  step(): void {
    if (this.#isDone) return
    this.#walk ??= this.#looks()
    this.#isDone = this.#walk.next().done === true
  }

  /** From the beginning. */
  again(): void {
    this.#walk = undefined
    this.#findings = new Map()
    this.#isDone = false
  }

  *#looks(): Generator<void> {
    let left = turnEntries
    for (const cache of this.#space.caches) {
      const layout = this.#state.layout.named(cache.name)
      if (!layout) continue
      for (const entry of this.#state.cache(layout.number).entries.values()) {
        this.#look(cache, entry)
        if (--left > 0) continue
        left = turnEntries
        yield
      }
    }
  }

  #look(cache: AnyCache, { key, value }: Entry): void {
    const fit = entryFit(cache, value)
    if (fit.how !== 'unreadable' && fit.how !== 'unindexed') return
    const place = fit.field === '' ? '' : `${fit.field} `
    const text = `cache ${cache.name}: ${place}${fit.message}`
    const finding = this.#findings.get(text) ?? { count: 0, keys: [], text }
    finding.count++
    if (finding.keys.length < examplesMax) finding.keys.push(key)
    this.#findings.set(text, finding)
  }
}
