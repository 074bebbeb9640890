import { isGridError } from '@spacegrid/grid/core/errors'
import { hashString } from '@spacegrid/grid/core/hash'
import type { LogName } from '@spacegrid/grid/core/log-name'
import type { SpaceShape } from '@spacegrid/grid/core/shape'
import { Digest } from '@spacegrid/grid/core/version'
import type { AuditChannel } from '@spacegrid/grid/engine/agreement/audit-channel'
import type { EntryName, Teller } from '@spacegrid/grid/engine/agreement/audit-message'
import { fingerprintOf } from '@spacegrid/grid/engine/agreement/fingerprint'
import type { Life } from '@spacegrid/grid/engine/life/life'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import type { Store, StoredEntry } from '@spacegrid/grid/engine/ports/store'
import { tellEntries } from './entry-marks.ts'
import type { ReaderPorts } from './reader-options.ts'
import { isUnreadable, StoreSnapshot } from './store-snapshot.ts'

/** It was replaced, or moved faster than it could be followed: it is counted again so often. */
const attemptsMax = 3

export type ImageAuditorPorts = Pick<ReaderPorts, 'store' | 'changes' | 'clock'> & {
  readonly image: Store
}

/** How it speaks to the replicas. */
export interface Voice {
  readonly teller: Teller
  readonly channel: AuditChannel
}

/**
 * Finds out whether the warm image is what its checkpoint says: counts its entries, tells them to
 * the replicas, which compare the values with theirs, and looks at those that are in doubt. An
 * image that is wrong is cleared, which is always safe: the data pump builds it anew, and meanwhile
 * the store is read. Holds the version of every entry while it counts.
 */
export class ImageAuditor {
  readonly #logName: LogName
  readonly #ports: ImageAuditorPorts
  readonly #voice: Voice
  readonly #life: Life
  readonly #report: Report
  readonly #countedEntriesMax: number
  #compared: Promise<void> = Promise.resolve()
  #counts = 0
  #cleared = 0

  /**
   * `countedEntriesMax`: of an image with more entries the digest is compared, but nobody counts
   * whether it is that of its entries.
   */
  constructor(
    logName: LogName,
    ports: ImageAuditorPorts,
    voice: Voice,
    life: Life,
    report: Report,
    countedEntriesMax: number,
  ) {
    this.#countedEntriesMax = countedEntriesMax
    this.#logName = logName
    this.#ports = ports
    this.#voice = voice
    this.#life = life
    this.#report = report
  }

  /** How often it has been counted. */
  get counts(): number {
    return this.#counts
  }

  /** How often it was wrong. */
  get cleared(): number {
    return this.#cleared
  }

  async audit(): Promise<void> {
    for (let attempt = 1; !this.#life.signal.aborted; attempt++)
      try {
        if (await this.#count()) await this.#tellAll()
        return
      } catch (error) {
        if (!isGridError(error)) throw error
        if (attempt < attemptsMax) continue
        const message = `the warm image could not be counted: ${error.message}`
        return this.#report({ kind: 'image', level: 'info', message })
      }
  }

  /**
   * A replica tells its value of an entry that is in doubt. Against it and the store together the
   * image is wrong.
   */
  compare(entry: EntryName, print: number): Promise<void> {
    // One after the other, for all replicas tell theirs: what has been cleared by then must not be
    // cleared again.
    const compared = this.#compared.then(() => this.#compare(entry, print))
    this.#compared = compared.catch(() => undefined)
    return compared
  }

  async #compare({ cache, key, position }: EntryName, print: number): Promise<void> {
    const { image, store } = this.#ports
    const [here, stored] = await Promise.all(
      [image, store].map((from) => from.get(this.#logName, cache, key)),
    )
    if (here?.position !== position || printOf(here) === print) return
    if (stored?.position !== position || printOf(stored) !== print) return
    await this.#clear(`its entry ${JSON.stringify(key)} of ${cache} has another value`)
  }

  /** Whether there is an image that counts to what it should. */
  async #count(): Promise<boolean> {
    const { image, changes, clock } = this.#ports
    const scan = await image.scan(this.#logName)
    if (!scan) return false
    const { position, logIdentity, entries } = scan.start
    // A negative position: it is being built.
    if (position <= 0 || logIdentity !== this.#voice.channel.logIdentity) {
      await scan.close()
      return false
    }
    if (entries > this.#countedEntriesMax) {
      await scan.close()
      const max = this.#countedEntriesMax
      const message = `the warm image has ${entries} entries, more than the ${max} that this process has the memory to count`
      this.#report({ kind: 'image', level: 'info', message })
      return true
    }
    const ports = { store: image, changes, clock }
    const snapshot = new StoreSnapshot(this.#logName, ports, scan)
    const count = new EntryCount()
    try {
      while (!this.#life.signal.aborted) {
        const { shape, changes, end } = await snapshot.next()
        if (shape) count.reshape(shape)
        for (const { cache, key, value, version } of changes)
          count.set(cache, key, value && version)
        if (!end) continue
        this.#counts++
        const counted = count.digest
        if (counted === end.digest) return true
        const at = end.header.position
        await this.#clear(
          `at position ${at} its digest is ${end.digest}, its entries count to ${counted}`,
        )
        return false
      }
      return false
    } catch (error) {
      if (!isUnreadable(error)) throw error
      await this.#clear(error.message)
      return false
    } finally {
      snapshot.close()
    }
  }

  async #tellAll(): Promise<void> {
    const { teller, channel } = this.#voice
    const scan = await this.#ports.image.scan(this.#logName)
    if (!scan) return
    try {
      for await (const entries of scan.chunks()) {
        if (this.#life.signal.aborted) return
        await tellEntries(teller, entries, channel, this.#life)
      }
    } finally {
      await scan.close()
    }
  }

  async #clear(reason: string): Promise<void> {
    // Another reader may have found the same, and the pump be at work on the next one.
    const { image } = this.#ports
    const { position = 0 } = (await image.checkpoint(this.#logName)) ?? {}
    if (position <= 0) return
    await image.clear(this.#logName)
    this.#cleared++
    const message = `the warm image is wrong, and is cleared for the data pump to build it anew: ${reason}`
    this.#report({ kind: 'image_wrong', level: 'error', message })
  }
}

const printOf = ({ version, value }: StoredEntry): number => fingerprintOf(version, value)

/**
 * The digest of entries of which some come twice, or are changed or deleted by what comes later. An
 * image moves while it is scanned; what has moved it comes behind the scan, in order, so that the
 * last word on a key is always the right one.
 */
class EntryCount {
  readonly #versions = new Map<string, Map<string, number>>()
  readonly #numbers = new Map<string, number>()
  readonly #digest = new Digest()

  get digest(): string {
    return this.#digest.toString()
  }

  reshape({ caches }: SpaceShape): void {
    for (const [number, { name }] of caches.entries()) this.#numbers.set(name, number)
  }

  /** `version` undefined: there is no such entry. */
  set(cache: string, key: string, version: number | undefined): void {
    const versions = this.#versions.get(cache) ?? new Map<string, number>()
    this.#versions.set(cache, versions)
    const before = versions.get(key)
    if (before === version) return
    const number = this.#numbers.get(cache) ?? -1
    const hash = hashString(key)
    if (before !== undefined) this.#digest.toggle(number, hash, before)
    if (version === undefined) {
      versions.delete(key)
      return
    }
    versions.set(key, version)
    this.#digest.toggle(number, hash, version)
  }
}
