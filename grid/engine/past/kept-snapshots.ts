import { GridError, isGridError } from '../../core/errors.ts'
import { SpaceState } from '../../core/space-state.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log, LogBounds } from '../ports/log.ts'
import type { SnapshotSource } from '../replica/snapshot-source.ts'
import {
  decodeSnapshotChunk,
  encodeSnapshotChunk,
  restoreSnapshotChunk,
} from '../wire/snapshot-codec.ts'
import { bareRecord, decodePastRecord, encodePastRecord, type PastHeader } from './past-record.ts'

/** A snapshot of a space that was kept, to begin with when somebody asks for the past. */
export interface KeptSnapshot {
  readonly logIdentity: string
  readonly position: number
  /** Log time at the position, ms since the epoch. */
  readonly time: number
  readonly digest: string
  /** Its records among those of the kept snapshots: from `first` to `last`. */
  readonly first: number
  readonly last: number
}

export interface KeptList {
  /** The newest first. */
  readonly kept: readonly KeptSnapshot[]
  /** The newest was begun and is not whole yet, or never will be: its log is kept from here on. */
  readonly begun: { readonly logIdentity: string; readonly position: number } | undefined
  readonly bounds: LogBounds
}

const entriesMax = 1000
const pieceBytesMax = 512 * 1024
/** What a record has beside a part of a piece. */
const headerBytesMax = 1024

/**
 * The snapshots of a space that are kept, as records of a log of their own: each a beginning, its
 * pieces and an end, and each record says where the snapshot before it ends. Only one program can
 * append at any place, so records of one snapshot stand together; one that was not finished is
 * passed over, and goes with those before it.
 */
export class KeptSnapshots {
  readonly #log: Log
  #known: KeptList | undefined

  constructor(log: Log) {
    this.#log = log
  }

  /** What is kept now. @throws GridError `log_unavailable` */
  async list(): Promise<KeptList> {
    const bounds = await this.#log.bounds()
    const known = this.#known
    if (known && isSame(known.bounds, bounds)) return known
    this.#known = await this.#look(bounds)
    return this.#known
  }

  async #look(bounds: LogBounds): Promise<KeptList> {
    const kept: KeptSnapshot[] = []
    let begun: KeptList['begun']
    for (let at = bounds.last; at >= bounds.first && at > 0; ) {
      const header = await this.#headerAt(at)
      // What is damaged, or begins before what is held, leads to nothing.
      if (!header || header.first < bounds.first) break
      const { first, logIdentity, position, time, digest, isEnd } = header
      if (isEnd) kept.push({ first, last: at, logIdentity, position, time, digest })
      else if (at === bounds.last) begun = { logIdentity, position }
      at = header.before
    }
    return { kept, begun, bounds }
  }

  async #headerAt(at: number): Promise<(PastHeader & { readonly isEnd: boolean }) | undefined> {
    const record = await this.#log.read(at)
    if (!record) return undefined
    try {
      const { header, kind } = decodePastRecord(record.data)
      return { ...header, isEnd: kind === 'end' }
    } catch (error) {
      if (isGridError(error)) return undefined
      throw error
    }
  }

  /**
   * Keeps one more, while its source goes on.
   * @param from where the replica is
   * @throws GridError `fenced`: another program keeps one; `log_full`, `log_unavailable`, and what
   * the source throws: it is not kept then
   */
  async keep(
    source: SnapshotSource,
    from: Pick<PastHeader, 'logIdentity' | 'position' | 'time'>,
  ): Promise<void> {
    const { kept, bounds } = await this.list()
    let last = bounds.last
    const before = kept[0]?.last ?? 0
    let header: PastHeader = { first: last + 1, before, ...from, digest: '' }
    const append = async (data: Uint8Array) => {
      last = await this.#log.append(data, { expectedLast: last })
    }
    await append(encodePastRecord(bareRecord(header, 'begin')))
    const partBytesMax = this.#log.recordBytesMax - headerBytesMax
    const bytesMax = Math.min(pieceBytesMax, Math.floor(partBytesMax / 2))
    for (;;) {
      const chunk = await source.next(entriesMax, bytesMax)
      const piece = encodeSnapshotChunk(chunk)
      for (let at = 0; at < piece.length; at += partBytesMax) {
        const isLast = at + partBytesMax >= piece.length
        const bytes = piece.subarray(at, at + partBytesMax)
        await append(encodePastRecord({ header, kind: 'part', bytes, isLast }))
      }
      if (!chunk.end) continue
      const { position, time } = chunk.end.header
      header = { ...header, position, time, digest: chunk.end.digest }
      await append(encodePastRecord(bareRecord(header, 'end')))
      return
    }
  }

  /**
   * The state that was kept.
   * @throws GridError `record_damaged`, `diverged`: it is not what it was
   */
  async restore({ first, last, digest }: KeptSnapshot, clock: Clock): Promise<SpaceState> {
    const state = SpaceState.toRestore()
    let parts: Uint8Array[] = []
    for (let at = first + 1; at < last; at++) {
      const record = await this.#log.read(at)
      if (!record) throw new GridError('log_trimmed', 'The snapshot is no longer kept')
      const { bytes, isLast } = decodePastRecord(record.data)
      parts.push(bytes)
      if (!isLast) continue
      restoreSnapshotChunk(state, decodeSnapshotChunk(Buffer.concat(parts)))
      parts = []
      await new Promise<void>((next) => clock.soon(next))
    }
    for (const _ of state.completeIndexes()) await new Promise<void>((next) => clock.soon(next))
    const found = state.digest.toString()
    if (found === digest) return state
    throw new GridError('diverged', `The kept snapshot's digest is ${digest}, its copy's ${found}`)
  }

  /** Lets go of what is older than `kept`; undefined: of all that there is. */
  async forgetBefore(kept: KeptSnapshot | undefined): Promise<void> {
    const { last } = await this.#log.bounds()
    await this.#log.trim(kept?.first ?? last + 1)
  }
}

/**
 * The log position from which on the log is kept, for those snapshots that it continues; undefined:
 * none needs it.
 */
export function keptFrom({ kept, begun }: KeptList, logIdentity: string): number | undefined {
  const own = [...(begun ? [begun] : []), ...kept].filter((it) => it.logIdentity === logIdentity)
  return own.length > 0 ? Math.min(...own.map(({ position }) => position)) : undefined
}

/** Those that a log continues, the newest first. */
export const continuedBy = ({ identity, first }: LogBounds, { kept }: KeptList): KeptSnapshot[] =>
  kept.filter((it) => it.logIdentity === identity && it.position + 1 >= first)

/** Bytes that log and kept snapshots may take together: the log must take what is new. */
export const pastRoom = (pastBytesMax: number, logBytesMax: number): number =>
  Math.min(pastBytesMax, Math.floor(logBytesMax / 2))

const isSame = (one: LogBounds, other: LogBounds): boolean =>
  one.identity === other.identity && one.first === other.first && one.last === other.last
