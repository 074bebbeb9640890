/**
 * A place in what a space has stored, as callers get it and hand it back: never to be looked into.
 * Of a space with one partition it is the position in its log. Of a space with several it names
 * partitions and the position in each one's log, in the order of the partitions: `7.1234`,
 * `3.1200-7.88`; nothing is said of the others.
 */
export type PositionToken = number | string

/** Position by partition. */
export type PositionsByPartition = ReadonlyMap<number, number>

const number = '(?:0|[1-9]\\d{0,15})'
const pattern = new RegExp(`^${number}\\.${number}(?:-${number}\\.${number})*$`)

export const isPosition = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0

/** What a text says: a position, a token of positions, or nothing that is either. */
export function readPosition(text: string): PositionToken | undefined {
  if (/^(?:0|[1-9]\d{0,15})$/.test(text)) {
    const position = Number(text)
    return isPosition(position) ? position : undefined
  }
  return positionsOf(text) ? text : undefined
}

/** undefined: it is no token of a space with several partitions. */
export function positionsOf(token: PositionToken): PositionsByPartition | undefined {
  if (typeof token !== 'string' || !pattern.test(token)) return undefined
  const positions = new Map<number, number>()
  for (const part of token.split('-')) {
    const dot = part.indexOf('.')
    const partition = Number(part.slice(0, dot))
    const position = Number(part.slice(dot + 1))
    if (!isPosition(partition) || !isPosition(position) || positions.has(partition))
      return undefined
    positions.set(partition, position)
  }
  return positions
}

/** The token of one partition. */
export const tokenOf = (partition: number, position: number): string => `${partition}.${position}`

/** The token of several; of none it says nothing of any partition that there is: `0.0`. */
export function tokenOfAll(positions: PositionsByPartition): string {
  if (positions.size === 0) return tokenOf(0, 0)
  return [...positions]
    .sort(([one], [other]) => one - other)
    .map(([partition, position]) => tokenOf(partition, position))
    .join('-')
}

/**
 * What includes both: the newer position of each partition that either names. Of two that are not
 * of one kind, as of a space that was divided in between, the second.
 */
export function newerPosition(one: PositionToken, other: PositionToken): PositionToken {
  if (typeof one === 'number' && typeof other === 'number') return Math.max(one, other)
  const [positions, others] = [positionsOf(one), positionsOf(other)]
  if (!positions || !others) return other
  const newer = new Map(positions)
  for (const [partition, position] of others)
    newer.set(partition, Math.max(position, newer.get(partition) ?? 0))
  return tokenOfAll(newer)
}

/** As JSON. */
export const positionJson = (position: PositionToken): string =>
  typeof position === 'number' ? String(position) : JSON.stringify(position)
