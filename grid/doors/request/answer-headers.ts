import type { CommandAnswer, ExecuteOptions } from './serving.ts'

/** How a door writes the names of what an answer's headers say. */
export interface HeaderNames {
  readonly position: string
  readonly replayed: string
  readonly applied: string
}

/** How old an answer's state is, as `Grid-Age` says it. */
export const ageText = (ageMs: number): string => `${ageMs}ms`

/** What the headers of a command's answer say, names and values in turn. */
export function commandHeaders(
  names: HeaderNames,
  { position, replayed, acknowledged }: CommandAnswer,
  asked: ExecuteOptions,
): string[] {
  const headers = [names.position, String(position)]
  if (replayed) headers.push(names.replayed, 'true')
  if (asked.acknowledge) headers.push(names.applied, `ack=${acknowledged}`)
  return headers
}
