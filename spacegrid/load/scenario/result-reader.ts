import type { Accepted, Answer } from '../../client/index.ts'

/** The grid answered something that the application does not promise, or nothing at all. */
export class ObservationError extends Error {
  override readonly name = 'ObservationError'
}

/** @throws ObservationError when the query was not answered */
export function accepted(query: string, answer: Answer): Accepted {
  if (answer.kind === 'accepted') return answer
  throw new ObservationError(`${query}: ${answer.reason}`)
}

/** A result, or a part of one, whose fields are checked when they are read. */
export type Row = Readonly<Record<string, unknown>>

export function row(value: unknown): Row {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Row
  throw new ObservationError(`expected an object, got ${JSON.stringify(value)}`)
}

export function rows(value: unknown, field: string): Row[] {
  const list = row(value)[field]
  if (Array.isArray(list)) return list.map(row)
  throw new ObservationError(`expected ${field} in ${JSON.stringify(value).slice(0, 200)}`)
}

export function text(from: Row, field: string): string {
  const value = from[field]
  if (typeof value === 'string') return value
  throw new ObservationError(`expected ${field} in ${JSON.stringify(from).slice(0, 200)}`)
}

export function texts(from: Row, field: string): string[] {
  const value = from[field]
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  throw new ObservationError(`expected ${field} in ${JSON.stringify(from).slice(0, 200)}`)
}

export function whole(from: Row, field: string): number {
  const value = from[field]
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw new ObservationError(`expected ${field} in ${JSON.stringify(from).slice(0, 200)}`)
}
