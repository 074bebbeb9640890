import type { MendWish } from '@spacegrid/grid/audit/audit-message'
import { fingerprintOf } from '@spacegrid/grid/audit/fingerprint'
import type { Report } from '@spacegrid/grid/component/component'
import { Turns } from '@spacegrid/grid/component/turns'
import { isGridError } from '@spacegrid/grid/errors'
import type { Clock } from '@spacegrid/grid/ports/clock'
import type { Messaging } from '@spacegrid/grid/ports/messaging'
import type { EntryKey, StoredChange } from '@spacegrid/grid/ports/store'
import { decodeSnapshotChunk } from '@spacegrid/grid/records/snapshot-codec'
import { subjects } from '@spacegrid/grid/records/subjects'
import type { Replica } from '@spacegrid/grid/replica/replica'
import { readSnapshot } from '@spacegrid/grid/replica/snapshot-service'
import type { Entry } from '@spacegrid/grid/space/entry'

const patience = { openMs: 5000, answerMs: 10_000 }
/** Names of one wish; who has more to say says `everywhere`. */
const namesMax = 100_000
/** Wishes that wait; beyond, the next audit finds what is still wrong. */
const wishesMax = 64
/** Keys told in one line of the log. */
const toldMax = 10

type Names = Iterator<EntryKey, unknown>

/**
 * Knows which of the store's entries are wrong, and gives what they should be, a few at a time, from the pump's own replica. What is published
 * for nothing does no harm, so it need not be exact in what it calls wrong; only what it gives has to be.
 */
export class StoreMender {
  readonly #space: string
  readonly #messaging: Messaging
  readonly #clock: Clock
  readonly #replica: Pick<Replica, 'state'>
  readonly #report: Report
  #waiting: Names[] = []
  #comparing = false
  #stopped = false

  constructor(
    space: string,
    { messaging, clock }: { readonly messaging: Messaging; readonly clock: Clock },
    replica: Pick<Replica, 'state'>,
    report: Report,
  ) {
    this.#space = space
    this.#messaging = messaging
    this.#clock = clock
    this.#replica = replica
    this.#report = report
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  stop(): void {
    this.#stopped = true
    this.#waiting = []
  }

  /** `found` is called when there is something to be taken. */
  wanted({ entries, caches, everywhere }: MendWish, found: () => void): void {
    if (entries.length > 0)
      this.#add(entries.slice(0, namesMax).map(([cache, key]) => ({ cache, key })))
    for (const cache of caches) this.#add(this.#keysOf(cache))
    if (this.isWaiting) found()
    if (everywhere) void this.#compareAll(found)
  }

  /** What the store should have of some of the entries that wait. */
  take(max: number): StoredChange[] {
    const changes: StoredChange[] = []
    while (changes.length < max && this.#waiting.length > 0) {
      const next = this.#waiting[0]?.next()
      if (!next || next.done) this.#waiting.shift()
      else changes.push(this.#right(next.value))
    }
    this.#tell(changes)
    return changes
  }

  #add(names: Iterable<EntryKey>): void {
    if (this.#waiting.length < wishesMax && !this.#stopped)
      this.#waiting.push(names[Symbol.iterator]())
  }

  *#keysOf(cache: string): Generator<EntryKey> {
    const layout = this.#replica.state.layout.named(cache)
    // A Map may change while it is walked.
    if (layout)
      for (const key of this.#replica.state.cache(layout.number).entries.keys())
        yield { cache, key }
  }

  #right({ cache, key }: EntryKey): StoredChange {
    const { state } = this.#replica
    const entry = this.#find({ cache, key })
    if (!entry) return { cache, key, value: undefined, version: 1, position: state.position }
    const { value, version, position } = entry
    return { cache, key, value, version, position }
  }

  #find({ cache, key }: EntryKey): Entry | undefined {
    const { state } = this.#replica
    const layout = state.layout.named(cache)
    return layout && state.find(layout.number, key)
  }

  async #compareAll(found: () => void): Promise<void> {
    if (this.#comparing) return
    this.#comparing = true
    try {
      const wrong = await this.#compare()
      if (wrong.length > 0) this.#add(wrong)
      if (this.isWaiting) found()
    } catch (error) {
      if (!isGridError(error)) throw error
      // The store is away, or read by somebody else: whoever wants it compared asks again.
      const message = `the store could not be compared: ${error.message}`
      this.#report({ level: 'info', message })
    } finally {
      this.#comparing = false
    }
  }

  /** Reads all of the store, damaged entries aside, and names what differs from the replica, which goes on meanwhile. */
  async #compare(): Promise<EntryKey[]> {
    const subject = subjects.snapshotForMending(this.#space)
    const turns = new Turns(this.#clock)
    const seen = new Set<Entry>()
    const different: EntryKey[] = []
    for await (const data of readSnapshot(this.#messaging, this.#clock, subject, patience)) {
      const { changes, end } = decodeSnapshotChunk(data)
      for (const { cache, key, value, version, position } of changes) {
        const entry = this.#find({ cache, key })
        if (entry) seen.add(entry)
        const isSame =
          entry?.position === position &&
          fingerprintOf(entry.version, entry.value) === fingerprintOf(version, value)
        if (!isSame) different.push({ cache, key })
        await turns.pause()
      }
      if (this.#stopped) return []
      if (!end) continue
      const { position } = end.header
      // What was written behind the store's position is on its way there.
      const isDue = (name: EntryKey) => (this.#find(name)?.position ?? 0) <= position
      const missing = await this.#missing(seen, position, turns)
      return [...different.filter(isDue), ...missing]
    }
    return []
  }

  async #missing(seen: ReadonlySet<Entry>, upTo: number, turns: Turns): Promise<EntryKey[]> {
    const { state } = this.#replica
    const missing: EntryKey[] = []
    for (const { name: cache, number } of state.layout.caches)
      for (const entry of state.cache(number).entries.values()) {
        if (entry.position <= upTo && !seen.has(entry)) missing.push({ cache, key: entry.key })
        await turns.pause()
      }
    return missing
  }

  #tell(changes: readonly StoredChange[]): void {
    if (changes.length === 0) return
    const names = changes
      .slice(0, toldMax)
      .map(({ cache, key }) => `${cache} ${JSON.stringify(key)}`)
    const more = changes.length > toldMax ? ` and ${changes.length - toldMax} more` : ''
    this.#report({
      level: 'warn',
      message: `the store is wrong in entries, which are written anew: ${names.join(', ')}${more}`,
    })
  }
}
