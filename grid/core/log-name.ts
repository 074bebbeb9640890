/**
 * Names one log, and everything that belongs to it: its streams, subjects, checkpoint, digest,
 * metrics and status. Of a space with one partition it is the space's name (`ticketing`), of one
 * with several the space's name and the partition's number (`ticketing.7`).
 */
export type LogName = string

/** @param partition from 0; undefined: the space has only one */
export const logNameOf = (space: string, partition: number | undefined): LogName =>
  partition === undefined ? space : `${space}.${partition}`

/** The names of all logs of a space. */
export const logNamesOf = (space: string, partitions: number): readonly LogName[] =>
  partitions === 1 ? [space] : Array.from({ length: partitions }, (_, at) => logNameOf(space, at))

/** Names of spaces have no dot. */
export function spaceOf(name: LogName): string {
  const dot = name.indexOf('.')
  return dot < 0 ? name : name.slice(0, dot)
}

/** undefined: its space has only one. */
export function partitionOf(name: LogName): number | undefined {
  const dot = name.indexOf('.')
  return dot < 0 ? undefined : Number(name.slice(dot + 1))
}

/** Spaces in the order of the alphabet, partitions in that of their numbers. */
export function sortedLogNames(names: Iterable<LogName>): LogName[] {
  const compare = (one: LogName, other: LogName) =>
    Number(spaceOf(one) > spaceOf(other)) - Number(spaceOf(one) < spaceOf(other)) ||
    (partitionOf(one) ?? -1) - (partitionOf(other) ?? -1)
  return [...names].sort(compare)
}

/**
 * The name where a dot may not be: `ticketing-7`, in names of streams and services. No name of a
 * space has a dash.
 */
export const dashed = (name: LogName): string => name.replace('.', '-')

/** The name of which `dashed` has made this. */
export const undashed = (text: string): LogName => text.replace('-', '.')
