import { FrameKind } from '@spacegrid/grid/core/frame'
import type { LogName } from '@spacegrid/grid/core/log-name'
import type { TransactionRecord } from '@spacegrid/grid/core/steps'
import type { LogRecord } from '@spacegrid/grid/engine/ports/log'
import { readRecord } from '@spacegrid/grid/engine/replica/record-reader'
import { decodeTransactions } from '@spacegrid/grid/engine/wire/frame-codec'
import type { CacheNames } from './cache-names.ts'
import { recordText } from './record-text.ts'
import { type TransactionTold, touches, transactionTold } from './transaction-text.ts'

/** Which of the transactions of a log are meant. */
export interface ListingFilter {
  /** `cache/key`: what reads or writes it. */
  readonly key?: string | undefined
  readonly command?: string | undefined
  /** Of a command across partitions. */
  readonly attempt?: string | undefined
}

/** One line of a listing: a transaction, or a record without any. */
export interface Listed extends Partial<TransactionTold> {
  readonly log: LogName
  readonly position: number
  /** ms since the epoch. */
  readonly time: number
  /** Of a record without transactions: what it is. */
  readonly record?: string
  readonly unit: string | undefined
}

const pieceWidth = 60

/** Reads records of one log in their order, and says what is in them, line by line. */
export class LogListing {
  readonly #log: LogName
  readonly #names: CacheNames
  readonly #filter: ListingFilter
  /** Names of units, by origin. */
  readonly #units = new Map<number, string>()
  /** Of frames that come in parts, by origin. */
  readonly #parts = new Map<number, Uint8Array[]>()

  constructor(log: LogName, names: CacheNames, filter: ListingFilter) {
    this.#log = log
    this.#names = names
    this.#filter = filter
  }

  /** Who an origin is, if its joining comes before what is listed. */
  know(origin: number, unit: string): void {
    this.#units.set(origin, unit)
  }

  of(record: LogRecord): Listed[] {
    this.#names.see(record)
    const { position, time, data } = record
    const frame = readRecord(data)
    const place = { log: this.#log, position, time }
    if (!('kind' in frame)) return this.#bare(place, frame.message, undefined)
    if (frame.kind === FrameKind.join) this.#units.set(position, frame.unit)
    const unit = 'origin' in frame ? this.#units.get(frame.origin) : undefined
    if (frame.kind === FrameKind.part) {
      const parts = this.#parts.get(frame.origin) ?? []
      this.#parts.set(frame.origin, [...parts, new Uint8Array(frame.bytes)])
      return []
    }
    if (frame.kind !== FrameKind.transactions)
      return this.#bare(place, what(record), frame.kind === FrameKind.join ? frame.unit : unit)
    const parts = this.#parts.get(frame.origin) ?? []
    this.#parts.delete(frame.origin)
    const transactions =
      frame.parts > 0 ? joined(parts.slice(-frame.parts), frame.across) : frame.transactions
    return transactions
      .filter((transaction) => this.#isMeant(transaction))
      .map((transaction) => ({ ...place, unit, ...transactionTold(transaction, this.#names) }))
  }

  #bare(place: Omit<Listed, 'unit'>, record: string, unit: string | undefined): Listed[] {
    const { key, command, attempt } = this.#filter
    const isFiltered = key !== undefined || command !== undefined || attempt !== undefined
    return isFiltered ? [] : [{ ...place, record, unit }]
  }

  #isMeant(transaction: TransactionRecord): boolean {
    const { key, command, attempt } = this.#filter
    const isKey = (cache: number, name: string) => `${this.#names.of(cache)}/${name}` === key
    const told = transactionTold(transaction, this.#names)
    return (
      (key === undefined || touches(transaction, isKey)) &&
      (command === undefined || told.command === command) &&
      (attempt === undefined || attemptOf(transaction) === attempt)
    )
  }
}

/** The line that `log show POSITION` begins with. */
const what = (record: LogRecord): string =>
  /^is +(.*)$/m.exec(recordText(record))?.[1] ?? 'a record'

function joined(parts: readonly Uint8Array[], across = false): readonly TransactionRecord[] {
  try {
    return decodeTransactions(parts, across)
  } catch {
    // Its first parts are before what is listed, or it is damaged: nobody can say what is in it.
    return []
  }
}

function attemptOf({ hold, steps: [first] }: TransactionRecord): string | undefined {
  return hold?.attempt ?? (first && 'attempt' in first ? first.attempt : undefined)
}

/** For people: `1310  time  unit  command  what it asks for`. */
export function listedText({ log, position, time, record, unit, ...told }: Listed): string {
  const partition = log.includes('.') ? `${log.slice(log.indexOf('.') + 1)}.` : ''
  const who = [told.command ?? (told.isDue ? '(due)' : '-'), told.part].filter((it) => it)
  const asked = (told.steps ?? []).map((step) =>
    step.length > pieceWidth ? `${step.slice(0, pieceWidth)}…` : step,
  )
  const does =
    record ?? `${who.join(' ')}  ${asked.join('; ') || `reads ${told.reads?.length ?? 0}`}`
  return `${partition}${position}  ${new Date(time).toISOString()}  ${unit ?? '-'}  ${does}\n`
}
