import { Packr } from 'msgpackr'

const packr = new Packr({ useRecords: false })

/** The message on `subjects.persisted`: the position of a space's checkpoint. */
export const encodePersisted = (position: number): Uint8Array => packr.pack(position)

export const decodePersisted = (data: Uint8Array): number => packr.unpack(data) as number
