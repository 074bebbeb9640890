import { GridError } from '../../core/errors.ts'
import { bytesOf, type NumberArray, numberArrayKind, numberArrayOf } from './number-arrays.ts'

/*
 * Plain data as JSON, with what JSON lacks in objects of one member: a date as
 * `{"$date": "2026-…"}`, an array of numbers as `{"$numbers": [kind, "base64"]}`. Names that begin
 * with `$` get another one before them, so that nothing else is taken for it.
 */
const mark = '$'

/** What `JSON.stringify` makes text of. */
export function toTagged(data: unknown): unknown {
  if (typeof data !== 'object' || data === null) return data
  if (data instanceof Date) return { $date: data.toISOString() }
  const kind = numberArrayKind(data)
  if (kind !== undefined)
    return {
      $numbers: [kind, Buffer.from(bytesOf(data as NumberArray)).toString('base64')],
    }
  if (Array.isArray(data)) return data.map(toTagged)
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [
      name.startsWith(mark) ? mark + name : name,
      toTagged(value),
    ]),
  )
}

/** @throws GridError `invalid_input` for names with a single `$` that mean nothing */
export function fromTagged(data: unknown): unknown {
  if (typeof data !== 'object' || data === null) return data
  if (Array.isArray(data)) return data.map(fromTagged)
  const entries = Object.entries(data)
  const [first] = entries
  if (entries.length === 1 && first?.[0] === '$date') return dateOf(first[1])
  if (entries.length === 1 && first?.[0] === '$numbers') return numbersOf(first[1])
  return Object.fromEntries(
    entries.map(([name, value]) => {
      if (name.startsWith(mark) && !name.startsWith(mark + mark)) throw meaningless(name)
      return [name.startsWith(mark) ? name.slice(1) : name, fromTagged(value)]
    }),
  )
}

function dateOf(text: unknown): Date {
  const date = new Date(String(text))
  if (typeof text !== 'string' || Number.isNaN(date.getTime())) throw meaningless('$date')
  return date
}

function numbersOf(tagged: unknown): unknown {
  const [kind, text] = Array.isArray(tagged) ? tagged : []
  const numbers =
    typeof text === 'string' ? numberArrayOf(Number(kind), Buffer.from(text, 'base64')) : undefined
  if (numbers === undefined) throw meaningless('$numbers')
  return numbers
}

const meaningless = (name: string): GridError =>
  new GridError('invalid_input', `${name} means nothing here`, {
    details: { errors: [{ path: name, message: 'means nothing here' }] },
  })
