import { crc32 } from './crc32.ts'
import type { Scalar } from './data-types.ts'
import { GridError } from './errors.ts'
import { isScalar } from './index-order.ts'

/** Where a page has ended: everything behind it in the list's order comes next. */
export interface PagePlace {
  /** Of the index's fields, in their order: those of the last entry. */
  readonly values: readonly Scalar[]
  readonly key: string
  /** Of a divided space: entries alike in all else are told in the order of their partitions. */
  readonly partition: number
}

/** What the order of a list is: a cursor fits no other one. */
export interface PagedList {
  readonly cache: string
  readonly index: string
  readonly fields: readonly string[]
  readonly reverse: boolean
}

/** What was asked of a page by its caller cannot be: told as `invalid_input`. */
export class UnusablePage extends GridError {
  constructor(path: 'cursor' | 'limit', message: string) {
    super('invalid_input', `${path} ${message}`, { details: { errors: [{ path, message }] } })
    this.name = 'UnusablePage'
  }
}

/** Which list a cursor belongs to, as it says itself. */
const nameOf = ({ cache, index, fields, reverse }: PagedList): number =>
  crc32(JSON.stringify([cache, index, fields, reverse]))

/**
 * A text for a place in a list: good on every unit and for as long as the list has this order, for
 * it holds the place itself and nothing that anybody would have to remember. It is readable for who
 * decodes it.
 */
export function cursorOf(list: PagedList, { values, key, partition }: PagePlace): string {
  const text = JSON.stringify([nameOf(list), partition, key, ...values])
  const bytes = Buffer.alloc(4 + Buffer.byteLength(text))
  bytes.writeUInt32BE(crc32(text))
  bytes.write(text, 4)
  return bytes.toString('base64url')
}

/** @throws UnusablePage */
export function placeOf(list: PagedList, cursor: string): PagePlace {
  const [name, partition, key, ...values] = listIn(cursor)
  if (name !== nameOf(list)) throw foreign()
  const isPlace =
    typeof key === 'string' && Number.isSafeInteger(partition) && values.every(isScalar)
  if (!isPlace || values.length !== list.fields.length) throw garbled()
  return { values: values as Scalar[], key, partition: partition as number }
}

function listIn(cursor: unknown): readonly unknown[] {
  const bytes = Buffer.from(typeof cursor === 'string' ? cursor : '', 'base64url')
  const text = bytes.toString('utf8', 4)
  // What does not come back as it was has something in it that belongs to no cursor.
  if (bytes.length < 4 || bytes.toString('base64url') !== cursor) throw garbled()
  if (bytes.readUInt32BE() !== crc32(text)) throw garbled()
  try {
    const list: unknown = JSON.parse(text)
    if (Array.isArray(list)) return list
  } catch {
    // No JSON: told like every other text that is no cursor.
  }
  throw garbled()
}

const garbled = () => new UnusablePage('cursor', 'is none that a page has given as `next`')

export const foreign = () =>
  new UnusablePage('cursor', 'belongs to another list: it is `next` of a page that was asked else')
