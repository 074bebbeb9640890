import { GridError } from '@spacegrid/grid/core/errors'
import { Melder } from '@spacegrid/grid/core/meld'
import { SpaceState } from '@spacegrid/grid/core/space-state'
import type { DomainEvent } from '@spacegrid/grid/core/steps'
import type { Cache } from '@spacegrid/grid/core/transaction'
import type { StoredEntry } from '@spacegrid/grid/engine/ports/store'
import { readRecord } from '@spacegrid/grid/engine/replica/record-reader'
import type { EntryFound } from '@spacegrid/grid/engine/wire/archive-messages'
import { decodeTransactions } from '@spacegrid/grid/engine/wire/frame-codec'
import type { SimulatedStream } from '@spacegrid/grid/kit/simulated-stream'

/** A domain event, and when its record was stored: ms since the epoch. */
export interface TimedEvent extends DomainEvent {
  readonly time: number
}

/** What the log says, whatever the units do: its state and its events. */
export class LogReader {
  readonly #state = new SpaceState()
  readonly #events: TimedEvent[] = []
  /** What has left memory, by cache and key. */
  readonly #archived = new Map<string, StoredEntry>()
  /** Of the record that is being melded. */
  #time = 0
  readonly #melder: Melder
  readonly #stream: SimulatedStream

  constructor(stream: SimulatedStream) {
    this.#stream = stream
    this.#melder = new Melder(this.#state, decodeTransactions, {
      emitted: ({ name, payload }) => this.#events.push({ name, payload, time: this.#time }),
      changed: ({ cache, key, version, archived }, before) => {
        const { name, archiveIndex } = this.#state.layout.cache(cache)
        if (archiveIndex === undefined) return
        const place = `${name}/${key}`
        const { position } = this.#state
        if (archived && before)
          this.#archived.set(place, {
            cache: name,
            key,
            value: before,
            version,
            position,
            archived,
          })
        else this.#archived.delete(place)
      },
    })
  }

  get events(): readonly TimedEvent[] {
    this.#catchUp()
    return this.#events
  }

  get position(): number {
    this.#catchUp()
    return this.#state.position
  }

  /** Of everything that is replicated. */
  get digest(): string {
    this.#catchUp()
    return this.#state.digest.toString()
  }

  /** What a store would say that holds all of the log. */
  stored(cache: string, key: string): EntryFound {
    this.#catchUp()
    const { layout, position } = this.#state
    const number = layout.named(cache)?.number
    const entry = number === undefined ? undefined : this.#state.find(number, key)
    const inMemory = entry && {
      ...{ cache, key, value: entry.value },
      ...{ version: entry.version, position: entry.position },
    }
    const found = inMemory ?? this.#archived.get(`${cache}/${key}`)
    return { from: position, to: position, entry: found }
  }

  entries<V>(cache: Cache<V>): V[] {
    this.#catchUp()
    return entriesOf(this.#state, cache)
  }

  /** Whether a command across partitions that was prepared by then has something to finish here. */
  isHeld(position = Number.POSITIVE_INFINITY): boolean {
    this.#catchUp()
    const { holds, layout } = this.#state
    if (holds.size === 0) return false
    return [...this.#state.cache(layout.holds).entries.values()].some(
      (entry) => entry.position <= position,
    )
  }

  #catchUp(): void {
    for (let at = this.#state.position + 1; at <= this.#stream.last; at++) {
      const record = this.#stream.read(at)
      if (!record) throw new Error(`the log has no record ${at}`)
      this.#time = record.time
      const frame = readRecord(record.data)
      if (frame instanceof GridError) this.#melder.pass(at)
      else this.#melder.meld(frame, at, record.time)
    }
  }
}

/** In the order of their keys. */
export function entriesOf<V>(state: SpaceState, { name, key }: Cache<V>): V[] {
  const layout = state.layout.named(name)
  if (!layout) throw new Error(`cache ${name} is not in the space's definition`)
  const values = Array.from(state.cache(layout.number).entries.values(), ({ value }) => value)
  return values.sort((a, b) => (String(a[key]) < String(b[key]) ? -1 : 1)) as V[]
}
