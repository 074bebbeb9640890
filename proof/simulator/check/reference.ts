import type { Value } from '@spacegrid/grid/core/data-types'
import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import type { Evaluation } from '@spacegrid/grid/core/evaluation'
import type { Frame } from '@spacegrid/grid/core/frame'
import { Melder } from '@spacegrid/grid/core/meld'
import { type ReplicatedHeader, SpaceState } from '@spacegrid/grid/core/space-state'
import type { DomainEvent, TransactionRecord } from '@spacegrid/grid/core/steps'
import type { LogRecord } from '@spacegrid/grid/engine/ports/log'
import type { StoredChange } from '@spacegrid/grid/engine/ports/store'
import { readRecord } from '@spacegrid/grid/engine/replica/record-reader'
import { decodeTransactions } from '@spacegrid/grid/engine/wire/frame-codec'

/** A transaction as the log decided it. */
export interface Decision {
  readonly position: number
  readonly time: number
  readonly id: number
  readonly transaction: TransactionRecord
  readonly evaluation: Evaluation
}

/** What one log position left. */
export interface Passed {
  readonly header: ReplicatedHeader
  readonly digest: string
  readonly entries: number
}

interface Version {
  readonly position: number
  readonly value: Value | undefined
  readonly version: number
  /** It has left memory, with this value. */
  readonly archived?: Value | undefined
}

/**
 * Melds the log as it is written, with the grid's own code, and remembers what every key was at
 * every position: what copies are compared with, wherever they are. Whether that code is right is
 * the sequential model's question, which decides on the same log.
 */
export class Reference {
  readonly decisions: Decision[] = []
  readonly #records: LogRecord[] = []
  readonly state = new SpaceState()
  readonly #melder: Melder
  readonly #failed: (problem: string) => void
  readonly #passed: Passed[] = []
  /** Cache → key → what it was, oldest first. */
  readonly #history = new Map<string, Map<string, Version[]>>()
  /** By position: which keys changed there, and which events happened. */
  readonly #changedAt: StoredChange[][] = []
  readonly #emittedAt: (DomainEvent & { readonly transaction: number })[][] = []
  readonly #lastFrames = new Map<number, number>()
  #largestStep = 0
  #changed: StoredChange[] = []
  #emitted: (DomainEvent & { readonly transaction: number })[] = []

  constructor(failed: (problem: string) => void) {
    this.#failed = failed
    const { state } = this
    this.#melder = new Melder(state, decodeTransactions, {
      changed: ({ cache, key, value, version, archived }, before) => {
        const { position } = state
        const change = { cache: state.layout.cache(cache).name, key, value, version, position }
        this.#changed.push(archived ? { ...change, value: before, archived } : change)
        this.#remember(change, archived ? before : undefined)
      },
      emitted: ({ name, payload }, transaction) =>
        this.#emitted.push({ name, payload, transaction }),
      decided: (_, transaction, id, evaluation) => {
        const { position, time } = state
        this.decisions.push({ position, time, id, transaction, evaluation })
      },
    })
    this.#pass()
  }

  get last(): number {
    return this.state.position
  }

  /** What would be known if the log had ended at a position. */
  upTo(position: number): Reference {
    const shorter = new Reference(this.#failed)
    for (const record of this.#records) if (record.position <= position) shorter.add(record)
    return shorter
  }

  /** Melds one more record. Returns the frame and whether it was accepted. */
  add(record: LogRecord): { frame: Frame; accepted: boolean } | undefined {
    const { data, position, time } = record
    this.#records.push(record)
    this.#changed = []
    this.#emitted = []
    try {
      const frame = readRecord(data)
      if (frame instanceof GridError) {
        // docs/decisions/0015: whoever can read nothing here takes no more than the position.
        this.#melder.pass(position)
        return undefined
      }
      const accepted = this.#melder.meld(frame, position, time)
      if (accepted) this.#checkChain(frame, position)
      return { frame, accepted }
    } catch (error) {
      this.#failed(`position ${position} cannot be melded: ${describe(error)}`)
      return undefined
    } finally {
      this.#pass()
    }
  }

  at(position: number): Passed | undefined {
    return this.#passed[position]
  }

  find(cache: string, key: string, position: number): Version | undefined {
    const found = this.#history
      .get(cache)
      ?.get(key)
      ?.findLast((version) => version.position <= position)
    return found?.value === undefined ? undefined : found
  }

  /** Every entry of a cache at a position. */
  *entries(cache: string, position: number): Generator<[key: string, version: Version]> {
    for (const key of this.#history.get(cache)?.keys() ?? []) {
      const version = this.find(cache, key, position)
      if (version) yield [key, version]
    }
  }

  /** Every entry of a cache that has left memory at a position. */
  *archived(cache: string, position: number): Generator<[key: string, version: Version]> {
    for (const [key, versions] of this.#history.get(cache) ?? []) {
      const version = versions.findLast((it) => it.position <= position)
      if (version?.archived) yield [key, { ...version, value: version.archived }]
    }
  }

  get caches(): Iterable<string> {
    return this.#history.keys()
  }

  /** What melding changed in (from, to], in order. */
  changes(from: number, to: number): StoredChange[] {
    return this.#changedAt.slice(from + 1, to + 1).flat()
  }

  events(from: number, to: number) {
    return this.#emittedAt
      .slice(from + 1, to + 1)
      .flatMap((events, at) => events.map((event) => ({ ...event, position: from + 1 + at })))
  }

  /** Changes and events of the position that brought most of them. */
  get largestStep(): number {
    return this.#largestStep
  }

  #remember({ cache, key, value, version, position }: StoredChange, archived?: Value): void {
    let keys = this.#history.get(cache)
    if (!keys) {
      keys = new Map()
      this.#history.set(cache, keys)
    }
    const versions = keys.get(key)
    const now = { position, value, version, archived }
    if (versions) versions.push(now)
    else keys.set(key, [now])
  }

  #pass(): void {
    const { state } = this
    this.#largestStep = Math.max(this.#largestStep, this.#changed.length + this.#emitted.length)
    this.#changedAt.push(this.#changed)
    this.#emittedAt.push(this.#emitted)
    this.#passed.push({
      header: state.header(),
      digest: state.digest.toString(),
      entries: state.entryCount,
    })
  }

  /**
   * architecture.md, invariant 3, told a second time: what was accepted was due, and was never
   * accepted before.
   */
  #checkChain(frame: Frame, position: number): void {
    if (!('origin' in frame)) return
    const { origin, id, previous, deadline } = frame
    const last = this.#lastFrames.get(origin) ?? 0
    if (position > deadline)
      this.#failed(`frame ${origin}/${id} was accepted at ${position}, after ${deadline}`)
    if (previous !== last)
      this.#failed(`frame ${origin}/${id} follows ${previous}, but ${last} was the last accepted`)
    if (id <= last) this.#failed(`frame ${origin}/${id} was accepted after ${last}`)
    this.#lastFrames.set(origin, id)
  }
}

const describe = (error: unknown): string =>
  isGridError(error) ? `${error.code}: ${error.message}` : String((error as Error)?.stack ?? error)
