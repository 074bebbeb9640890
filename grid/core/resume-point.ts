import { isPosition } from './position.ts'

/**
 * A place in what has happened in one log: behind so much of what happened at a position, or, where
 * `told` is left out, behind all of it.
 */
export interface ResumePoint {
  readonly position: number
  /** Domain events of the position, or events and changes of entries, that are behind. */
  readonly told?: number | undefined
}

/** What a point counts: domain events alone, or changes of entries with them. */
export type PointKind = 'events' | 'entries'

const letters = { events: 'e', entries: 'c' } as const
const number = '(?:0|[1-9]\\d{0,15})'
const pattern = new RegExp(`^(?:(${number})\\.)?(${number})(?:([ec])(${number}))?$`)

export function comparePoints(one: ResumePoint, other: ResumePoint): number {
  if (one.position !== other.position) return one.position - other.position
  const all = Number.POSITIVE_INFINITY
  const [first, second] = [one.told ?? all, other.told ?? all]
  return first === second ? 0 : first - second
}

const textOf = ({ position, told }: ResumePoint, kind: PointKind): string =>
  told === undefined ? String(position) : `${position}${letters[kind]}${told}`

/**
 * The points of all partitions as one token: `1234`, `1234e2` in a space with one partition,
 * `0.1200-1.88e3` in one with several. Everything of a position told, it reads as the position.
 */
export const pointsText = (
  points: readonly ResumePoint[],
  kind: PointKind,
  isDivided: boolean,
): string =>
  isDivided
    ? points.map((point, partition) => `${partition}.${textOf(point, kind)}`).join('-')
    : textOf(points[0] as ResumePoint, kind)

/**
 * What a token says of each partition, nothing of those that it does not name; undefined: it is
 * none of such a space, or of a stream of another kind.
 * @param partitions undefined: the space has one partition
 */
export function readPoints(
  text: string,
  kind: PointKind,
  partitions: number | undefined,
): ReadonlyMap<number, ResumePoint> | undefined {
  const points = new Map<number, ResumePoint>()
  for (const part of text.split('-')) {
    const [, partitionText, positionText, letter, toldText] = pattern.exec(part) ?? []
    const partition = Number(partitionText ?? 0)
    const position = Number(positionText)
    if (positionText === undefined || !isPosition(position) || points.has(partition))
      return undefined
    if ((partitionText === undefined) !== (partitions === undefined)) return undefined
    if (partition >= (partitions ?? 1)) return undefined
    if (letter !== undefined && letter !== letters[kind]) return undefined
    const told = toldText === undefined ? {} : { told: Number(toldText) }
    points.set(partition, { position, ...told })
  }
  return points
}
