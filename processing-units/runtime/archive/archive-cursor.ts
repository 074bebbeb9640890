import type { Scalar } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'

/** Where a page ends: the values of its last entry's fields, and its key. */
export interface ArchivePlace {
  readonly values: readonly Scalar[]
  readonly key: string
}

export const writeCursor = ({ values, key }: ArchivePlace): string =>
  Buffer.from(JSON.stringify([...values, key])).toString('base64url')

/** @throws GridError `invalid_input`: no page of an index with so many fields has ended there */
export function readCursor(cursor: string, fieldCount: number): ArchivePlace {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (Array.isArray(parsed) && parsed.length === fieldCount + 1) {
      const values = parsed.slice(0, -1)
      const key: unknown = parsed.at(-1)
      if (values.every(isScalar) && typeof key === 'string') return { values, key }
    }
  } catch {
    // Said below.
  }
  const message = 'is not one that a page of this index has given'
  throw new GridError('invalid_input', `cursor ${message}`, {
    details: { errors: [{ path: 'cursor', message }] },
  })
}

const isScalar = (value: unknown): value is Scalar =>
  ['string', 'number', 'boolean'].includes(typeof value)
