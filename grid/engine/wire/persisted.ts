import { checkedCount } from './checked.ts'
import { packMessage, unpackMessage } from './sealed-message.ts'

const persistedFormat = 2

/** The message on `subjects.persisted`: the position of a space's checkpoint. */
export const encodePersisted = (position: number): Uint8Array =>
  packMessage(persistedFormat, position)

/** @throws GridError `record_damaged`, `format_unsupported` */
export const decodePersisted = (data: Uint8Array): number =>
  checkedCount(unpackMessage(persistedFormat, data))
