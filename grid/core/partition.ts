import { crc32 } from './crc32.ts'
import { GridError } from './errors.ts'

/** Most partitions that a space may have. */
export const partitionsMax = 1024

/** One field of a partition key, or a key of one field. */
export type PartitionScalar = string | number | boolean

/**
 * Where the partition of a command, a query or an entry is found: in fields of the input or the
 * entry, or in one that holds an id made by `tx.newId()`, which names its partition.
 */
export interface PartitionBy {
  readonly fields: readonly string[]
  /** The one field holds an id. */
  readonly isId: boolean
  /** Of the one field only what stands before the first of these; all of it, if there is none. */
  readonly until?: string
}

/**
 * Hash of a partition key, 32 bits: the CRC-32 (IEEE 802.3, as of zlib, PNG, Python's `zlib.crc32`,
 * Go's `crc32.ChecksumIEEE`) of its UTF-8 text. The text of a key of one text is that text; of
 * every other key its JSON, without spaces: `7`, `true`, `["a",7]`.
 */
export const partitionHash = (key: readonly PartitionScalar[]): number =>
  crc32(key.length === 1 && typeof key[0] === 'string' ? key[0] : textOf(key))

const textOf = (key: readonly PartitionScalar[]): string =>
  JSON.stringify(key.length === 1 ? key[0] : key)

/** Partition of a hash, from 0: the remainder, so that any client can say it. */
export const partitionOfHash = (hash: number, partitions: number): number => hash % partitions

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const digitOf = new Map([...alphabet].map((digit, value) => [digit, value]))
/** 62^6 is more than 2^32. */
const hashDigits = 6
const idLength = 22

/**
 * An id that carries the hash of a partition key in its last 6 characters (base 62, the highest
 * digit first), so that it names its partition whatever their number is; the 16 before them, 95
 * bits, are those of the random id given.
 */
export function idWithHash(randomId: string, hash: number): string {
  let digits = ''
  let rest = hash
  for (let i = 0; i < hashDigits; i++) {
    digits = alphabet[rest % 62] + digits
    rest = Math.floor(rest / 62)
  }
  return randomId.slice(0, idLength - hashDigits) + digits
}

/** The hash that an id carries; undefined for what is no id of a partitioned space. */
export function hashOfId(id: string): number | undefined {
  if (id.length !== idLength) return undefined
  let hash = 0
  for (let at = idLength - hashDigits; at < idLength; at++) {
    const digit = digitOf.get(id[at] as string)
    if (digit === undefined) return undefined
    hash = hash * 62 + digit
  }
  return hash <= 0xffffffff ? hash : undefined
}

/**
 * The hash of what an entry or an input is partitioned by.
 * @param what whose value it is, for the error: `command holdSeats`
 * @throws GridError `invalid_input` when a field is missing, or holds no id where one is declared
 */
export function hashBy(
  partitionBy: PartitionBy,
  value: Readonly<Record<string, unknown>>,
  what: string,
): number {
  const { fields } = partitionBy
  const key = fields.map((field) => {
    const part = value[field]
    if (typeof part === 'string' || typeof part === 'boolean' || Number.isSafeInteger(part))
      return part as PartitionScalar
    throw fieldError(
      what,
      field,
      'is needed to find the partition: a text, a whole number or a boolean',
    )
  })
  const hash = hashOfFields(partitionBy, key)
  if (hash === undefined)
    throw fieldError(what, fields[0] as string, 'is no id that a command of this space has made')
  return hash
}

/** The same, of the values of its fields; undefined for what is no id where one is declared. */
export function hashOfFields(
  { isId, until }: PartitionBy,
  values: readonly PartitionScalar[],
): number | undefined {
  const [first] = values
  if (isId) return typeof first === 'string' ? hashOfId(first) : undefined
  if (until === undefined || typeof first !== 'string') return partitionHash(values)
  const end = first.indexOf(until)
  return partitionHash([end < 0 ? first : first.slice(0, end)])
}

const fieldError = (what: string, path: string, message: string): GridError =>
  new GridError('invalid_input', `${what}: ${path} ${message}`, {
    details: { errors: [{ path, message }] },
  })
