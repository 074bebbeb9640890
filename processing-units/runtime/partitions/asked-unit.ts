import type { Correction } from '@spacegrid/grid/core/correction'
import type {
  BatchAnswer,
  BatchedQuery,
  CommandAnswer,
  EntryAnswer,
  ExecuteOptions,
  QueryAnswer,
  ReadOptions,
} from '@spacegrid/grid/doors/request/serving'
import type { PartOperation } from '../across/part-messages.ts'
import type { UnitLive } from '../live/unit-live.ts'
import type { PastOfPartition } from './passed-past.ts'

/** The unit of one log, as requests that others pass on reach it. */
export interface AskedUnit {
  readonly live: Pick<UnitLive, 'look' | 'watch'>
  /** Not passed on once more. */
  executeHere(name: string, input: unknown, options: ExecuteOptions): Promise<CommandAnswer<number>>
  query(name: string, input: unknown, options: ReadOptions): Promise<QueryAnswer<number>>
  queries(batch: readonly BatchedQuery[], options: ReadOptions): Promise<BatchAnswer<number>>
  entry(cache: string, key: string, options: ReadOptions): Promise<EntryAnswer<number>>
  correct(correction: Correction): Promise<CommandAnswer<number>>
  readonly past: PastOfPartition
  part(operation: PartOperation, asked: object): Promise<unknown>
}
