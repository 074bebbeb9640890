/** What applications import. Adapters and programs are reached by their own paths, so that nothing drags in a driver that is not used. */

export type { CacheNameOf, Call, CommandsOf, InputOf, QueriesOf, ResultOf } from './call-types.ts'
export type { Frozen } from './data-types.ts'
export {
  defineCache,
  defineCommand,
  defineProjection,
  defineQuery,
  defineSpace,
  type Static,
  Type,
} from './define.ts'
export type {
  Acknowledgement,
  Cache,
  Change,
  Command,
  IndexRange,
  Outcome,
  Projection,
  Query,
  Reader,
  Space,
  Transaction,
  Value,
} from './definition.ts'
export { type ErrorCode, errorKinds, GridError, Rejection } from './errors.ts'
export type { Mistake, MistakeIn } from './mistake.ts'
