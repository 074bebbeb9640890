import {
  checkedBytes,
  checkedCount,
  checkedList,
  checkedNumber,
  checkedText,
} from '../wire/checked.ts'
import { packMessage, unpackMessage } from '../wire/sealed-message.ts'

const format = 1

/** What every record of a kept snapshot says of it. */
export interface PastHeader {
  /** Position, among the kept snapshots' records, of the first of this one. */
  readonly first: number
  /** Position of the last record of the snapshot before this one; 0: there was none. */
  readonly before: number
  /** Identity of the log that continues it. */
  readonly logIdentity: string
  /**
   * Log position: in the last record the snapshot's own, in the others where the replica was when
   * it was begun.
   */
  readonly position: number
  /** Log time there, ms since the epoch. */
  readonly time: number
  /** Of the state, in the last record; before that it is empty. */
  readonly digest: string
}

/** One record of a kept snapshot: a part of a piece, or its beginning or end. */
export interface PastRecord {
  readonly header: PastHeader
  readonly kind: 'begin' | 'part' | 'end'
  /** A part of an encoded piece (`SnapshotChunk`). */
  readonly bytes: Uint8Array
  /** The piece ends with this part. */
  readonly isLast: boolean
}

const kinds = ['begin', 'part', 'end'] as const
const nothing = new Uint8Array(0)

export const encodePastRecord = ({ header, kind, bytes, isLast }: PastRecord): Uint8Array =>
  packMessage(format, [
    ...[kinds.indexOf(kind), header.first, header.before, header.logIdentity],
    ...[header.position, header.time, header.digest, isLast, bytes],
  ])

/** @throws GridError `record_damaged`, `format_unsupported` */
export function decodePastRecord(data: Uint8Array): PastRecord {
  const [kind, first, before, logIdentity, position, time, digest, isLast, bytes] = checkedList(
    unpackMessage(format, data),
  )
  return {
    header: {
      first: checkedCount(first),
      before: checkedCount(before),
      logIdentity: checkedText(logIdentity),
      position: checkedCount(position),
      time: checkedNumber(time),
      digest: checkedText(digest),
    },
    kind: kinds[checkedCount(kind)] ?? 'part',
    bytes: checkedBytes(bytes),
    isLast: isLast === true,
  }
}

/** A record without contents. */
export const bareRecord = (header: PastHeader, kind: 'begin' | 'end'): PastRecord => ({
  ...{ header, kind },
  ...{ bytes: nothing, isLast: true },
})
