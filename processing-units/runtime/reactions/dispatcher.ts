import { isGridError } from '@spacegrid/grid/core/errors'
import type { OutboxEntry } from '@spacegrid/grid/core/outbox'
import { outboxCache } from '@spacegrid/grid/core/outbox'
import type { Process } from '@spacegrid/grid/core/process'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { type Clock, sleep, type Timer } from '@spacegrid/grid/engine/ports/clock'
import type { Replica } from '@spacegrid/grid/engine/replica/replica'
import type { Acting } from './acting.ts'
import { Backlog, type Place } from './backlog.ts'
import { foreseenKey } from './order-key.ts'
import { outboxEntries, type Turned, type WrittenDown } from './outbox-commands.ts'
import { deadLetter, nextAct, progress } from './progress.ts'

/** What has been done since the unit began. */
export interface ReactionCounts {
  /** Steps and compensations that were done. */
  done: number
  /** Attempts that have failed, or of which nothing could be said yet. */
  retried: number
  /** Dead letters that were made here. */
  died: number
}

export interface DispatcherParts {
  readonly clock: Clock
  readonly acting: Acting
  readonly reactions: ReadonlyMap<string, Process>
  /** Whether this unit does what is next in a chain just now. */
  readonly isHome: (chain: string) => boolean
  /** Log time, ms since the epoch. */
  readonly now: () => number
  /** Writes down what has become of an entry. */
  readonly turn: (turned: Turned) => Promise<WrittenDown>
  /** Told that an entry is done with. */
  readonly finished: (id: string) => void
  readonly counts: ReactionCounts
  /** Reactions done at the same time. */
  readonly inFlightMax: number
}

/** What has failed without counting rests for this long, doubled each time. */
const restMs = 200
const restMsMax = 30_000
const turnTriesMax = 5

/**
 * Does, in one life of a unit, what stands in the outbox: of each chain what is next, several
 * chains at the same time. Whoever else does the same does no harm: each thing is done under an id
 * that its target remembers, and what has become of it is written down by the first one only.
 */
export class Dispatcher {
  readonly #parts: DispatcherParts
  readonly #state: SpaceState
  readonly #backlog = new Backlog()
  /** Chains to be looked at. */
  readonly #open = new Set<string>()
  readonly #busy = new Set<string>()
  readonly #resting = new Map<string, { readonly tries: number; timer: Timer | undefined }>()
  /** Entries that have been written since the last frame was melded. */
  #written = new Set<string>()
  #cache: number | undefined
  #soon = false
  #over = false
  readonly #ended = new AbortController()
  readonly #deafen: () => void

  constructor(replica: Replica, parts: DispatcherParts) {
    this.#parts = parts
    this.#state = replica.state
    this.#readAll()
    this.#deafen = replica.listen({
      changed: ({ cache, key }) => {
        if (cache === this.#cache) this.#written.add(key)
      },
      melded: () => this.#melded(),
    })
  }

  get backlog(): Backlog {
    return this.#backlog
  }

  get working(): number {
    return this.#busy.size
  }

  /** Other units have come or gone: everything may be this one's. */
  lookAgain(): void {
    for (const chain of this.#backlog.chains) this.#open.add(chain)
    this.#drive()
  }

  stop(): void {
    this.#over = true
    this.#ended.abort()
    this.#deafen()
    for (const { timer } of this.#resting.values()) timer?.cancel()
  }

  #readAll(): void {
    const layout = this.#state.layout.named(outboxCache.name)
    this.#cache = layout?.number
    for (const id of outboxEntries(this.#state)?.keys() ?? []) this.#read(id)
    this.#wake()
  }

  #melded(): void {
    if (this.#cache === undefined) {
      if (this.#state.layout.named(outboxCache.name)) this.#readAll()
      return
    }
    if (this.#written.size === 0) return
    const written = this.#written
    this.#written = new Set()
    for (const id of written) this.#read(id)
    this.#wake()
  }

  #read(id: string): void {
    const entry = this.entry(id)
    if (!entry) {
      const known = this.#backlog.get(id)
      this.#backlog.remove(id)
      if (known) this.#touch(known.chain)
      return
    }
    const { chain, blocks } = this.#chainOf(entry)
    const place: Place = [this.#positionOf(id, entry), entry.number, entry.nth]
    const isDead = entry.dead !== undefined
    this.#backlog.put({ id, chain, place, at: entry.at, isDead, blocks })
    this.#touch(chain)
  }

  /** As it is committed. */
  entry(id: string): OutboxEntry | undefined {
    return outboxEntries(this.#state)?.get(id)?.value as OutboxEntry | undefined
  }

  /** Where its event was emitted, in the log. */
  #positionOf(id: string, { first }: OutboxEntry): number {
    return first ?? outboxEntries(this.#state)?.get(id)?.position ?? 0
  }

  #chainOf(entry: OutboxEntry): { readonly chain: string; readonly blocks: boolean } {
    const { reaction, id } = entry
    const process = this.#parts.reactions.get(reaction)
    const key = process && foreseenKey(process, entry)
    if (key === undefined) return { chain: `${reaction}/${id}`, blocks: false }
    return { chain: `${reaction}//${key}`, blocks: process?.behindDead === 'wait' }
  }

  #touch(chain: string): void {
    this.#open.add(chain)
  }

  #wake(): void {
    if (this.#soon || this.#over) return
    this.#soon = true
    this.#parts.clock.soon(() => {
      this.#soon = false
      this.#drive()
    })
  }

  #drive(): void {
    if (this.#over) return
    for (const chain of this.#open) {
      if (this.#busy.size >= this.#parts.inFlightMax) return
      this.#open.delete(chain)
      if (this.#busy.has(chain) || this.#resting.get(chain)?.timer) continue
      const next = this.#backlog.next(chain)
      if (next && this.#parts.isHome(chain)) this.#begin(chain, next.id)
    }
  }

  #begin(chain: string, id: string): void {
    this.#busy.add(chain)
    this.#do(chain, id).finally(() => {
      this.#busy.delete(chain)
      this.#touch(chain)
      this.#wake()
    })
  }

  async #do(chain: string, id: string): Promise<void> {
    const { acting, reactions, counts, now, finished } = this.#parts
    const entry = this.entry(id)
    const process = entry && reactions.get(entry.reaction)
    const next = process && nextAct(process, entry)
    // Of another version of the application, which does it.
    if (!next) return this.#rest(chain, restMsMax)
    const outcome = await acting.act(process, entry, next, this.#state.time, now())
    if (this.#over) return
    if (outcome.kind === 'later') {
      counts.retried++
      return this.#rest(chain)
    }
    const becomes = progress(process, entry, next, outcome, now())
    const isMine = await this.#turn(entry, becomes)
    if (isMine === undefined) return this.#rest(chain)
    // Another unit has come first, and has counted it.
    if (!isMine) return
    if (outcome.kind === 'done') counts.done++
    if (outcome.kind === 'failed') counts.retried++
    if (becomes === undefined) finished(id)
    if (becomes?.dead !== undefined) counts.died++
    if (outcome.kind !== 'failed' || becomes?.attempts === 0) {
      this.#resting.delete(chain)
      return
    }
    const { pauseMs, pauseMsMax } = process.retry
    this.#rest(chain, Math.min(pauseMsMax, pauseMs * 2 ** (becomes?.attempts ?? 1)) / 2)
  }

  /** @returns whether it was written down by this unit; undefined: by nobody yet */
  async #turn(entry: OutboxEntry, becomes: OutboxEntry | undefined): Promise<boolean | undefined> {
    const { id, turn } = entry
    const placed = { first: this.#positionOf(id, entry) }
    let next = becomes ? { ...becomes, ...placed } : null
    for (let tries = 0; tries < turnTriesMax && !this.#over; tries++)
      try {
        return (await this.#parts.turn({ id, turn, next })).isDone
      } catch (error) {
        if (!isGridError(error)) throw error
        // What cannot be kept, for what a step has resulted in: that is for people to see.
        if (!error.retryable) {
          const fault = `what has become of it cannot be kept: ${error.message}`
          next = { ...deadLetter(entry, fault, this.#parts.now()), ...placed }
        }
        await sleep(this.#parts.clock, restMs, this.#ended.signal)
        if (this.entry(id)?.turn !== turn) return false
      }
    return undefined
  }

  #rest(chain: string, ms?: number): void {
    if (this.#over) return
    const tries = (this.#resting.get(chain)?.tries ?? 0) + 1
    const pauseMs = ms ?? Math.min(restMsMax, restMs * 2 ** (tries - 1))
    const rest = { tries, timer: undefined as Timer | undefined }
    rest.timer = this.#parts.clock.after(pauseMs, () => {
      rest.timer = undefined
      if (this.#backlog.next(chain) === undefined) this.#resting.delete(chain)
      this.#touch(chain)
      this.#wake()
    })
    this.#resting.set(chain, rest)
  }
}
