import type { Space } from '../../core/definition.ts'

/** What whoever starts a grid should know of a space that does not say it; undefined: it does. */
export function readableEventsNotice(
  { name, readableEvents: declared }: Space,
  undeclared: boolean,
): string | undefined {
  if (declared !== undefined) return undefined
  const means = undeclared
    ? 'anyone can follow them; in production nobody could'
    : 'nobody can follow them'
  return `The space ${name} does not say which of its domain events are readable: ${means} (GET /${name}/events). Declare it: defineSpace(…, { readableEvents: … })`
}
