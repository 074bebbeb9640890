import { messagePack } from './message-pack.ts'

/** The message on `subjects.persisted`: the position of a space's checkpoint. */
export const encodePersisted = (position: number): Uint8Array => messagePack.pack(position)

export const decodePersisted = (data: Uint8Array): number => messagePack.unpack(data) as number
