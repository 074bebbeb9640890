import { checkedCount, checkedList, checkedText } from './checked.ts'
import { packMessage, unpackMessage } from './sealed-message.ts'

const format = 2

/**
 * What a replica had that was found wrong: its digest at a position, or the value of an entry, by
 * its fingerprint.
 */
export interface Suspect {
  readonly position: number
  readonly digest: string
  readonly entry?: {
    readonly cache: string
    readonly key: string
    readonly position: number
    readonly print: number
  }
}

/**
 * The messages between those who give snapshots and those who read them. All `decode…` throw
 * GridError `record_damaged`, `format_unsupported`.
 */

export function encodeOpening(suspect: Suspect | undefined): Uint8Array {
  if (!suspect) return packMessage(format, null)
  const { position, digest, entry } = suspect
  const about = entry ? [entry.cache, entry.key, entry.position, entry.print] : []
  return packMessage(format, [position, digest, ...about])
}

export function decodeOpening(data: Uint8Array): Suspect | undefined {
  const item = unpackMessage(format, data)
  if (item === null) return undefined
  const [position, digest, cache, key, writtenAt, print] = checkedList(item)
  const suspect = { position: checkedCount(position), digest: checkedText(digest) }
  if (cache === undefined) return suspect
  const entry = {
    cache: checkedText(cache),
    key: checkedText(key),
    position: checkedCount(writtenAt),
    print: checkedCount(print),
  }
  return { ...suspect, entry }
}

/** The subject on which the pieces of one snapshot are asked for. */
export const encodeOpened = (subject: string): Uint8Array => packMessage(format, subject)

export const decodeOpened = (data: Uint8Array): string => checkedText(unpackMessage(format, data))

/** The number of the piece that is asked for, from 1 on. */
export const encodePieceNumber = (number: number): Uint8Array => packMessage(format, number)

export const decodePieceNumber = (data: Uint8Array): number =>
  checkedCount(unpackMessage(format, data))
