import { isGridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import type { AuditChannel } from '@spacegrid/grid/engine/agreement/audit-channel'
import { textLengthMax } from '@spacegrid/grid/engine/agreement/audit-message-check'
import type { Life } from '@spacegrid/grid/engine/life/life'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { EntryKey, ForeignChange, Store, StoreWatch } from '@spacegrid/grid/engine/ports/store'
import { decodeHeader } from '@spacegrid/grid/engine/wire/snapshot-codec'
import { wishesOf } from './mend-wishes.ts'

/** How often what was seen is passed on. */
const flushMs = 500
/** Entries that are named; beyond, everything is compared. */
const entriesMax = 10_000
/** Keys told in one line of the log. */
const toldMax = 10
/**
 * When something may have been missed, the store is counted so much later: a grid that starts has
 * other things to read.
 */
const countAfterMs = 20_000
/** A store that was wrong is counted again, to see whether it is right by now: soon at first. */
const againMsMin = 5000
const againMsMax = 600_000

/**
 * Watches the store for what others than the grid do to it, and has it mended: the data pump writes
 * anew what is wrong, from what it and the units have (docs/decisions/0017). Everything passes
 * through the change queue and the data writer, so the store is never written past them. A crash
 * loses what was seen and not passed on; the count behind each start finds it.
 */
export class StoreGuard {
  readonly #logName: LogName
  readonly #store: Store
  readonly #clock: Clock
  readonly #channel: AuditChannel
  readonly #life: Life
  readonly #report: Report
  /**
   * Whether the store's entries are what its checkpoint says; undefined: it could not be found out.
   */
  readonly #isRight: () => Promise<boolean | undefined>
  readonly #watch: StoreWatch | undefined
  #entries = new Map<string, readonly [cache: string, key: string]>()
  #caches = new Set<string>()
  /** Caches with more entries that were changed than are named. */
  #unnamed = new Set<string>()
  #isCheckpointChanged = false
  #countAt: number | undefined
  #againMs = againMsMin

  constructor(
    logName: LogName,
    { store, clock }: { readonly store: Store; readonly clock: Clock },
    channel: AuditChannel,
    life: Life,
    report: Report,
    isRight: () => Promise<boolean | undefined>,
  ) {
    this.#logName = logName
    this.#store = store
    this.#clock = clock
    this.#channel = channel
    this.#life = life
    this.#report = report
    this.#isRight = isRight
    this.#watch = store.watch?.(logName, (change) => this.#changed(change))
    life.repeat(flushMs, () => this.#flush())
    life.repeat(flushMs, () => this.#countIfDue())
  }

  async stop(): Promise<void> {
    await this.#watch?.stop()
  }

  /**
   * The store was found wrong. It is mended, and looked at again. `damaged`: entries that are known
   * to be.
   */
  wrong(damaged: readonly EntryKey[]): void {
    this.#wish(
      damaged.map(({ cache, key }) => [cache, key]),
      [],
    )
    // Alone, so that it is told whatever becomes of the names.
    this.#channel.send({ kind: 'mend', entries: [], caches: [], everywhere: true })
    this.#countIn(this.#againMs)
    this.#againMs = Math.min(this.#againMs * 2, againMsMax)
  }

  #changed(change: ForeignChange): void {
    if (change.what === 'entry') {
      const { cache, key } = change
      if (this.#entries.size < entriesMax) this.#entries.set(`${cache}/${key}`, [cache, key])
      else this.#unnamed.add(cache)
    } else if (change.what === 'cache') {
      this.#caches.add(change.cache)
      // Another one may stand in its place, with entries that nobody knows.
      this.#unnamed.add(change.cache)
    } else if (change.what === 'checkpoint') {
      this.#isCheckpointChanged = true
      this.#countIn(againMsMin)
    } else this.#countIn(countAfterMs)
  }

  #countIn(ms: number): void {
    const at = this.#clock.monotonic() + ms
    this.#countAt = Math.min(this.#countAt ?? at, at)
  }

  async #flush(): Promise<void> {
    if (this.#entries.size + this.#caches.size === 0 && !this.#isCheckpointChanged) return
    const stored = await this.#look()
    const entries = [...this.#entries.values()].filter(([cache]) => stored.has(cache))
    const caches = [...this.#caches].filter(stored.has)
    if ([...this.#unnamed].some(stored.has)) this.#countIn(againMsMin)
    const isCheckpointChanged = this.#isCheckpointChanged && !stored.isBeingBuilt
    this.#entries = new Map()
    this.#caches = new Set()
    this.#unnamed = new Set()
    this.#isCheckpointChanged = false
    if (isCheckpointChanged) this.#tell('its checkpoint; the data writer puts it back')
    if (entries.length + caches.length === 0) return
    const names = entries.slice(0, toldMax).map(([cache, key]) => `${cache} ${JSON.stringify(key)}`)
    const more = entries.length > toldMax ? [`${entries.length - toldMax} more entries`] : []
    const whole = caches.map((cache) => `all of ${cache}`)
    this.#tell(`${[...whole, ...names, ...more].join(', ')}; it is written anew`)
    this.#wish(entries, caches)
  }

  /**
   * Well below what a message takes. A name that is longer than any key of the grid's would spoil
   * its message for all the others.
   */
  #wish(entries: readonly (readonly [string, string])[], caches: readonly string[]): void {
    const sayable = entries.filter(([, key]) => key.length <= textLengthMax)
    for (const wish of wishesOf(sayable, caches, this.#channel.messageBytesMax / 2))
      this.#channel.send({ kind: 'mend', ...wish })
  }

  /**
   * Which names are the space's own caches, as far as that is known: others are nobody's here.
   * While the store is being written anew, by whoever recovers it, what is seen is that.
   */
  async #look(): Promise<{ has(cache: string): boolean; readonly isBeingBuilt: boolean }> {
    try {
      const checkpoint = await this.#store.checkpoint(this.#logName)
      if (!checkpoint) return unknown
      if (checkpoint.position < 0) return { has: () => false, isBeingBuilt: true }
      const { caches } = decodeHeader(checkpoint.replicated).shape
      const names = new Set(caches.map(({ name }) => name))
      return { has: (cache) => names.has(cache), isBeingBuilt: false }
    } catch (error) {
      if (!isGridError(error, 'record_damaged')) throw error
      return unknown
    }
  }

  #tell(what: string): void {
    const message = `somebody else than the grid has changed the store: ${what}`
    this.#report({ kind: 'store', level: 'warn', message })
  }

  async #countIfDue(): Promise<void> {
    if (this.#countAt === undefined || this.#clock.monotonic() < this.#countAt) return
    this.#countAt = undefined
    try {
      if ((await this.#look()).isBeingBuilt) this.#countIn(countAfterMs)
      else if (await this.#isRight()) {
        if (this.#againMs > againMsMin)
          this.#report({ kind: 'store', level: 'info', message: 'the store is right again' })
        this.#againMs = againMsMin
      }
    } catch (error) {
      if (!isGridError(error)) throw error
      // Away, or without a sound checkpoint just now.
      if (!this.#life.signal.aborted) this.#countIn(againMsMin)
    }
  }
}

const unknown = { has: () => true, isBeingBuilt: false }
