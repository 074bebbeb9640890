/**
 * What a space is made of: caches, commands, queries and projections are defined here, and nothing
 * runs them yet. No driver and no server comes along: a definition can be loaded anywhere.
 *
 * `spacegrid/testing` tries a space without servers, `spacegrid/program` and `spacegrid/embedded`
 * run it, `spacegrid/client` calls it.
 */

export type {
  Access,
  CallerIdentity,
  CommandContext,
  QueryContext,
  SpaceAccess,
} from '@spacegrid/grid/core/access'
export type {
  CacheNameOf,
  Call,
  CommandsOf,
  InputOf,
  QueriesOf,
  ResultOf,
} from '@spacegrid/grid/core/call-types'
export type { Frozen, IndexRange, Scalar, Value } from '@spacegrid/grid/core/data-types'
export {
  defineCache,
  defineCommand,
  defineProjection,
  defineQuery,
  defineSpace,
  join,
  mergeRows,
  rowKey,
  type Static,
  Type,
} from '@spacegrid/grid/core/define'
export { defineEvent } from '@spacegrid/grid/core/define-event'
export {
  type CallStepOptions,
  type CommandStepOptions,
  defineProcess,
  type ProcessOptions,
  type SentBy,
  type Steps,
} from '@spacegrid/grid/core/define-process'
export {
  defineReaction,
  type OnRejected,
  type ReactingOptions,
  type ReactionOptions,
  type Refusal,
} from '@spacegrid/grid/core/define-reaction'
export type {
  Acknowledgement,
  AnyCommand,
  AnyQuery,
  Command,
  CommandPart,
  EveryPartition,
  Query,
  Reader,
  Space,
} from '@spacegrid/grid/core/definition'
export {
  type ErrorCode,
  type ErrorKind,
  errorKinds,
  GridError,
  type GridErrorOptions,
  Rejection,
} from '@spacegrid/grid/core/errors'
export type { EventType } from '@spacegrid/grid/core/event-type'
export {
  type MergePages,
  type MergePagesOptions,
  mergePages,
} from '@spacegrid/grid/core/merge-pages'
export type { Mistake, MistakeIn } from '@spacegrid/grid/core/mistake'
export type {
  AppendOptions,
  IncrementOptions,
  Outcome,
  Patch,
  Resolved,
  TakeOptions,
} from '@spacegrid/grid/core/operation-options'
export type {
  FieldBounds,
  Page,
  PageInput,
  PageOptions,
  Where,
} from '@spacegrid/grid/core/page-types'
export type { About, CallAbout, Failure, Process, Retry } from '@spacegrid/grid/core/process'
export type {
  Aggregate,
  Aggregates,
  FoldOptions,
} from '@spacegrid/grid/core/projection/aggregate'
export type {
  JoinOptions,
  ProjectionOptions,
} from '@spacegrid/grid/core/projection/define-projection'
export type {
  AnyProjection,
  Join,
  Projection,
  ProjectionSource,
} from '@spacegrid/grid/core/projection/projection'
export type {
  RowQueriesOf,
  RowsInput,
  RowsPage,
} from '@spacegrid/grid/core/projection/row-query-types'
export type {
  AnyCache,
  Cache,
  CacheOptions,
  ExpiryHandler,
  PartitionKey,
  Transaction,
} from '@spacegrid/grid/core/transaction'
