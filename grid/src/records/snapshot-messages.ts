import { checkedCount, checkedList, checkedText } from './checked.ts'
import { packMessage, unpackMessage } from './sealed-message.ts'

const format = 2

/** Digest of a replica that was found wrong. */
export interface Suspect {
  readonly position: number
  readonly digest: string
}

/** The messages between those who give snapshots and those who read them. All `decode…` throw GridError `record_damaged`, `format_unsupported`. */

export const encodeOpening = (suspect: Suspect | undefined): Uint8Array =>
  packMessage(format, suspect ? [suspect.position, suspect.digest] : null)

export function decodeOpening(data: Uint8Array): Suspect | undefined {
  const item = unpackMessage(format, data)
  if (item === null) return undefined
  const [position, digest] = checkedList(item)
  return { position: checkedCount(position), digest: checkedText(digest) }
}

/** The subject on which the pieces of one snapshot are asked for. */
export const encodeOpened = (subject: string): Uint8Array => packMessage(format, subject)

export const decodeOpened = (data: Uint8Array): string => checkedText(unpackMessage(format, data))

/** The number of the piece that is asked for, from 1 on. */
export const encodePieceNumber = (number: number): Uint8Array => packMessage(format, number)

export const decodePieceNumber = (data: Uint8Array): number =>
  checkedCount(unpackMessage(format, data))
