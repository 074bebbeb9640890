import type { Entry } from '@spacegrid/grid/core/entry'
import { isGridError } from '@spacegrid/grid/core/errors'
import { hashString } from '@spacegrid/grid/core/hash'
import type { LogName } from '@spacegrid/grid/core/log-name'
import type { MendWish } from '@spacegrid/grid/engine/agreement/audit-message'
import { fingerprintOf } from '@spacegrid/grid/engine/agreement/fingerprint'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import { Turns } from '@spacegrid/grid/engine/life/turns'
import { type Clock, sleep } from '@spacegrid/grid/engine/ports/clock'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import type { EntryKey, StoredChange } from '@spacegrid/grid/engine/ports/store'
import type { Replica } from '@spacegrid/grid/engine/replica/replica'
import { readSnapshot } from '@spacegrid/grid/engine/replica/snapshot-service'
import { decodeSnapshotChunk } from '@spacegrid/grid/engine/wire/snapshot-codec'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { Differences } from './differences.ts'

const patience = { openMs: 5000, answerMs: 10_000 }
/**
 * Entries of the store that are remembered at a time; of a larger one a share each time, and it is
 * read as often.
 */
const seenEntriesMax = 4_000_000
/** Until whoever gave the store the last time can give it again. */
const sharePauseMs = 3000
/** Names of one wish; who has more to say says `everywhere`. */
const namesMax = 100_000
/** Wishes that wait; beyond, the next audit finds what is still wrong. */
const wishesMax = 64
/** Keys told in one line of the log. */
const toldMax = 10

type Names = Iterator<EntryKey, unknown>

/** Every `of`th entry, by its key. */
interface Share {
  readonly number: number
  readonly of: number
}

/**
 * Knows which of the store's entries are wrong, and gives what they should be, a few at a time,
 * from the pump's own replica. What is published for nothing does no harm, so it need not be exact
 * in what it calls wrong; only what it gives has to be.
 */
export class StoreMender {
  readonly #logName: LogName
  readonly #messaging: Messaging
  readonly #clock: Clock
  readonly #replica: Pick<Replica, 'state'>
  readonly #report: Report
  #waiting: Names[] = []
  readonly #seenEntriesMax: number
  #comparing = false
  #stopped = false

  constructor(
    logName: LogName,
    { messaging, clock }: { readonly messaging: Messaging; readonly clock: Clock },
    replica: Pick<Replica, 'state'>,
    report: Report,
    seenMax = seenEntriesMax,
  ) {
    this.#seenEntriesMax = seenMax
    this.#logName = logName
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
      else {
        const right = this.#right(next.value)
        if (right) changes.push(right)
      }
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

  /**
   * undefined: the space has no such cache, so nothing that is stored under its name is the grid's.
   */
  #right({ cache, key }: EntryKey): StoredChange | undefined {
    const { state } = this.#replica
    const layout = state.layout.named(cache)
    if (!layout) return undefined
    const entry = this.#find({ cache, key })
    if (!entry) {
      const gone = { cache, key, value: undefined, version: 1, position: state.position }
      // What has left memory is nobody's but the store's.
      return layout.archiveIndex === undefined ? gone : { ...gone, archived: true }
    }
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
      const { entryCount } = this.#replica.state
      const of = Math.max(1, Math.ceil(entryCount / this.#seenEntriesMax))
      for (let number = 0; number < of && !this.#stopped; number++) {
        if (number > 0) await sleep(this.#clock, sharePauseMs)
        const wrong = await this.#compare({ number, of })
        this.#add(wrong.names())
        for (const cache of wrong.whole) this.#add(this.#keysOf(cache))
        if (this.isWaiting) found()
      }
    } catch (error) {
      // The store is away, or read by somebody else: whoever wants it compared asks again. A bug of
      // ours must not keep the pump from its work.
      const { message } = error as Error
      const level = isGridError(error) ? 'info' : 'error'
      this.#report({ kind: 'store', level, message: `the store could not be compared: ${message}` })
    } finally {
      this.#comparing = false
    }
  }

  /**
   * Reads all of the store, damaged entries aside, and names what differs from the replica, which
   * goes on meanwhile.
   */
  async #compare(share: Share): Promise<Differences> {
    const subject = subjects.snapshotForMending(this.#logName)
    const turns = new Turns(this.#clock)
    const seen = new Set<Entry>()
    const wrong = new Differences()
    const nothing = new Differences()
    for await (const data of readSnapshot(this.#messaging, this.#clock, subject, patience)) {
      const { changes, end } = decodeSnapshotChunk(data)
      for (const { cache, key, value, version, position } of changes) {
        await turns.pause()
        if (!isIn(share, key)) continue
        const entry = this.#find({ cache, key })
        if (entry) seen.add(entry)
        const isSame =
          entry?.position === position &&
          fingerprintOf(entry.version, entry.value) === fingerprintOf(version, value)
        if (!isSame) wrong.add({ cache, key })
      }
      if (this.#stopped) return nothing
      if (end) return await this.#completed(wrong, seen, end.header.position, share, turns)
    }
    return nothing
  }

  /**
   * What was written behind the store's position is on its way there; what was not seen up to there
   * is missing.
   */
  async #completed(
    wrong: Differences,
    seen: ReadonlySet<Entry>,
    upTo: number,
    share: Share,
    turns: Turns,
  ): Promise<Differences> {
    const { state } = this.#replica
    const due = new Differences()
    for (const cache of wrong.whole) due.addAll(cache)
    for (const name of wrong.names()) if ((this.#find(name)?.position ?? 0) <= upTo) due.add(name)
    for (const { name: cache, number } of state.layout.caches)
      for (const entry of state.cache(number).entries.values()) {
        const { key, position } = entry
        if (position <= upTo && isIn(share, key) && !seen.has(entry)) due.add({ cache, key })
        await turns.pause()
      }
    return due
  }

  #tell(changes: readonly StoredChange[]): void {
    if (changes.length === 0) return
    const names = changes
      .slice(0, toldMax)
      .map(({ cache, key }) => `${cache} ${JSON.stringify(key)}`)
    const more = changes.length > toldMax ? ` and ${changes.length - toldMax} more` : ''
    this.#report({
      kind: 'store',
      level: 'warn',
      message: `the store is wrong in entries, which are written anew: ${names.join(', ')}${more}`,
    })
  }
}

const isIn = ({ number, of }: Share, key: string): boolean =>
  of === 1 || hashString(key) % of === number
