import { positionsOf } from '@spacegrid/grid/core/position'
import { pastInvalid, pastSilent } from '@spacegrid/grid/doors/request/request-options'
import type { AsOf, BatchedQuery } from '@spacegrid/grid/doors/request/serving'
import type { HistoryOfKey } from '@spacegrid/grid/doors/request/told-history'
import type { UnitPast } from '../past/unit-past.ts'
import type { PassedRequest } from './passed-request.ts'

/** What can be read of a partition's past, as others are asked for it. */
export type PastRead = 'query' | 'queries' | 'entry' | 'history'

export type PastOfPartition = Pick<UnitPast, PastRead>

/** What of the past is asked of a partition, as another unit is asked for it. */
export interface PassedPast {
  readonly read: PastRead
  readonly input: unknown
  readonly explain?: boolean | undefined
  /** Position in the partition's log, or ms since the epoch; of a history neither. */
  readonly position?: number
  readonly time?: number
}

/**
 * A moment of a space as one of its partitions knows it.
 * @throws GridError `invalid_header`
 */
export function momentIn(asOf: AsOf, partition: number): Pick<PassedPast, 'position' | 'time'> {
  if (asOf instanceof Date) return { time: +asOf }
  const positions = positionsOf(asOf)
  if (!positions) throw pastInvalid()
  const position = positions.get(partition)
  if (position === undefined) throw pastSilent(partition)
  return { position }
}

/** Asked for apart from the present: a unit of an earlier version refuses it. */
export const pastRequest = (
  partition: number,
  name: string,
  input: PassedPast,
  caller: PassedRequest['caller'],
): PassedRequest => ({ kind: 'past', partition, name, input, caller })

/** Reads what is asked of the past of a partition that is kept here. */
export async function readPast(
  past: PastOfPartition,
  name: string,
  { read, input, explain = false, position, time }: PassedPast,
): Promise<unknown> {
  if (read === 'history') {
    const { key, ...asked } = input as HistoryOfKey
    return await past.history(name, key, asked)
  }
  const asOf = position ?? new Date(time as number)
  if (read === 'entry') return await past.entry(name, input as string, asOf)
  return read === 'query'
    ? await past.query(name, input, asOf, { explain })
    : await past.queries(input as readonly BatchedQuery[], asOf, { explain })
}
