import type { Correction } from '@spacegrid/grid/core/correction'
import type { ExecuteOptions, ReadOptions } from '@spacegrid/grid/doors/request/serving'
import type { PartOperation } from '../across/part-messages.ts'

/** A unit as those see it who pass requests on to it: it does itself what it is asked. */
export interface AskedUnit {
  executeHere(name: string, input: unknown, options: ExecuteOptions): Promise<unknown>
  query(name: string, input: unknown, options: ReadOptions): Promise<unknown>
  entry(cache: string, key: string, options: ReadOptions): Promise<unknown>
  correct(correction: Correction): Promise<unknown>
  part(operation: PartOperation, asked: object): Promise<unknown>
}
