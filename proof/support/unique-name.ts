import { randomBytes } from 'node:crypto'

/**
 * A name that no other test uses, of letters, digits and underscores: right for a space, a stream,
 * a database or a key prefix. The servers are shared by all test files of a run, so each test works
 * under names of its own.
 */
export function uniqueName(prefix = 'test'): string {
  return `${prefix}_${randomBytes(6).toString('hex')}`
}
