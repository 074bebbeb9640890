import { isGridError } from '@spacegrid/grid/core/errors'
import { hashString } from '@spacegrid/grid/core/hash'
import type { LogName } from '@spacegrid/grid/core/log-name'
import { Digest } from '@spacegrid/grid/core/version'
import { AuditChannel } from '@spacegrid/grid/engine/agreement/audit-channel'
import {
  type AuditMessage,
  type EntryName,
  isReplica,
  type Teller,
} from '@spacegrid/grid/engine/agreement/audit-message'
import type { AuditStatus } from '@spacegrid/grid/engine/agreement/audit-status'
import { fingerprintOf } from '@spacegrid/grid/engine/agreement/fingerprint'
import type { Life } from '@spacegrid/grid/engine/life/life'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import type { Checkpoint, EntryKey, Store } from '@spacegrid/grid/engine/ports/store'
import { decodeHeader } from '@spacegrid/grid/engine/wire/snapshot-codec'
import { tellEntries } from './entry-marks.ts'
import { ImageAuditor } from './image-auditor.ts'
import type { ReaderPorts } from './reader-options.ts'
import { StoreGuard } from './store-guard.ts'

const tellMs = 1000
/** Pause between two counts that somebody asks for. */
const countPauseMs = 5000
/** Damaged entries that are passed on at once, and those of them that are named in the log. */
const damagedMax = 10_000
const damagedToldMax = 10
/** The store moved while it was counted: it is counted again so often. */
const attemptsMax = 3

/**
 * Speaks for the stored copies where replicas compare themselves: tells the digests of their
 * checkpoints every second; counts the store's entries when replicas cannot agree without, and from
 * time to time tells all of them, values included; has the image looked at as often.
 * docs/decisions/0009.
 */
export class StoreAuditor {
  readonly #logName: LogName
  readonly #ports: ReaderPorts
  readonly #life: Life
  readonly #report: Report
  readonly #store: Teller
  readonly #image: Teller
  readonly #channel: AuditChannel
  readonly #imageAuditor: ImageAuditor | undefined
  readonly #guard: StoreGuard
  #countedAt = Number.NEGATIVE_INFINITY
  #counting = false
  #counts = 0
  #lastCount = { drift: 0, position: 0, at: 0 }

  constructor(
    logName: LogName,
    ports: ReaderPorts,
    life: Life,
    report: Report,
    options: { readonly intervalMs: number; readonly countedEntriesMax: number },
  ) {
    this.#logName = logName
    this.#ports = ports
    this.#life = life
    this.#report = report
    this.#store = { id: ports.random.integer(), name: 'store', role: 'store' }
    this.#image = { id: ports.random.integer(), name: 'warm image', role: 'image' }
    this.#channel = new AuditChannel(logName, ports, (message) => this.#receive(message))
    const { image } = ports
    const voice = { teller: this.#image, channel: this.#channel }
    this.#imageAuditor =
      image &&
      new ImageAuditor(logName, { ...ports, image }, voice, life, report, options.countedEntriesMax)
    this.#guard = new StoreGuard(logName, ports, this.#channel, life, report, () =>
      this.#count(false),
    )
    this.#channel.start()
    life.repeat(tellMs, () => this.#tell())
    if (options.intervalMs <= 0) return
    // One of the two may be away: the other one is looked at all the same.
    life.repeat(0, async () => {
      await life.sleep(options.intervalMs)
      await this.#count(true)
    })
    life.repeat(0, async () => {
      await life.sleep(options.intervalMs)
      await this.#imageAuditor?.audit()
    })
  }

  async stop(): Promise<void> {
    await this.#guard.stop()
    await this.#channel.stop()
  }

  /**
   * How the store's entries compare with its own checkpoint, and how often the warm image was
   * wrong.
   */
  status(): AuditStatus {
    return {
      ...this.#lastCount,
      comparisons: this.#counts + (this.#imageAuditor?.counts ?? 0),
      entriesCompared: 0,
      entriesDifferent: 0,
      diverged: this.#imageAuditor?.cleared ?? 0,
      peers: [],
    }
  }

  async #tell(): Promise<void> {
    const { store, image } = this.#ports
    await this.#channel.identify()
    this.#tellCheckpoint(this.#store, await store.checkpoint(this.#logName))
    if (image) this.#tellCheckpoint(this.#image, await image.checkpoint(this.#logName))
  }

  #tellCheckpoint(from: Teller, checkpoint: Checkpoint | undefined): void {
    // A negative position: the image is being built.
    if (
      !checkpoint ||
      checkpoint.logIdentity !== this.#channel.logIdentity ||
      checkpoint.position <= 0
    )
      return
    const { position, digest } = checkpoint
    this.#channel.send({ kind: 'digest', from, position, digest, counted: false })
  }

  #receive(message: AuditMessage): void {
    if (message.kind === 'ask' && message.recount)
      this.#background(async () => void (await this.#countWhenRested()))
    else if (message.kind === 'doubt')
      this.#background(() => this.#tellEntry(this.#ports.store, message.entry))
    else if (message.kind === 'entry' && isReplica(message.from))
      this.#background(async () => {
        await this.#imageAuditor?.compare(message.entry, message.print)
      })
  }

  /** A store that cannot be reached has no voice. */
  #background(work: () => Promise<void>): void {
    this.#life.finish(work).catch((error) => {
      if (!isGridError(error)) this.#life.end(error as Error)
    })
  }

  async #tellEntry(store: Store, entry: EntryName): Promise<void> {
    const stored = await store.get(this.#logName, entry.cache, entry.key)
    if (stored?.position !== entry.position) return
    const print = fingerprintOf(stored.version, stored.value)
    this.#channel.send({ kind: 'entry', from: this.#store, entry, print })
  }

  async #countWhenRested(): Promise<void> {
    if (this.#ports.clock.monotonic() - this.#countedAt >= countPauseMs) await this.#count(false)
  }

  /**
   * Reads every entry of the store; `andTell`: for the replicas to compare the values with theirs.
   * Whether it is right; undefined: that could not be found out.
   */
  async #count(andTell: boolean): Promise<boolean | undefined> {
    const { clock } = this.#ports
    if (this.#counting) return undefined
    this.#counting = true
    try {
      for (let attempt = 0; attempt < attemptsMax && !this.#life.signal.aborted; attempt++) {
        const outcome = await this.#countOnce(andTell)
        if (outcome !== 'moved') return outcome === 'right'
      }
      if (!this.#life.signal.aborted)
        this.#report({
          kind: 'store',
          level: 'info',
          message: 'the store moves too fast to be counted',
        })
      return undefined
    } finally {
      this.#counting = false
      this.#countedAt = clock.monotonic()
    }
  }

  /** `moved`: its entries are not of one position. */
  async #countOnce(andTell: boolean): Promise<'right' | 'wrong' | 'moved'> {
    const damaged: EntryKey[] = []
    let damagedCount = 0
    const scan = await this.#ports.store.scan(this.#logName, {
      damaged: ({ cache, key }) => {
        if (damagedCount++ < damagedMax) damaged.push({ cache, key })
      },
    })
    if (!scan) return 'right'
    try {
      const { position, replicated, digest: kept, logIdentity } = scan.start
      if (logIdentity !== this.#channel.logIdentity) return 'right'
      this.#channel.send({ kind: 'pin', position })
      const { caches } = decodeHeader(replicated).shape
      const numbers = new Map(caches.map(({ name }, number) => [name, number]))
      const digest = new Digest()
      for await (const entries of scan.chunks()) {
        if (this.#life.signal.aborted) return 'moved'
        for (const { cache, key, version } of entries)
          digest.toggle(numbers.get(cache) ?? -1, hashString(key), version)
        if (andTell) await tellEntries(this.#store, entries, this.#channel, this.#life)
      }
      if ((await scan.end()).position !== position) return 'moved'
      const counted = digest.toString()
      this.#channel.send({
        ...{ kind: 'digest', from: this.#store, position },
        ...{ digest: counted, counted: true },
      })
      this.#counts++
      const isRight = counted === kept && damagedCount === 0
      this.#lastCount = { drift: isRight ? 0 : 1, position, at: this.#ports.clock.now() }
      if (isRight) return 'right'
      this.#tellWrong(position, kept, counted, damagedCount, damaged)
      this.#guard.wrong(damaged)
      return 'wrong'
    } finally {
      await scan.close()
    }
  }

  #tellWrong(
    position: number,
    kept: string,
    counted: string,
    damagedCount: number,
    damaged: readonly EntryKey[],
  ): void {
    const told = damaged.slice(0, damagedToldMax)
    const names = told.map(({ cache, key }) => `${cache} ${JSON.stringify(key)}`)
    const more = damagedCount > told.length ? ` and ${damagedCount - told.length} more` : ''
    const entries = damagedCount > 0 ? `; not as they were written: ${names.join(', ')}${more}` : ''
    const message = `at position ${position} the store's digest is ${kept}, its entries count to ${counted}${entries}; what is wrong is written anew`
    this.#report({ kind: 'store', level: 'error', message })
  }
}
