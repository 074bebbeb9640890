/**
 * Callers of a grid, by HTTP anywhere that has `fetch`, browsers included: commands take effect
 * once, whatever is lost on the way.
 */

export { GridError, Rejection } from '@spacegrid/grid/core/errors'
export type { Accepted, Answer, Failed, Position, Problem, Rejected, Shed } from './answer.ts'
export type {
  CommandOptions,
  CommandResult,
  HistoryOptions,
  QueryOptions,
  QueryResult,
} from './call-options.ts'
export type { EntryChange, EntryHistory } from './entry-history.ts'
export type { FollowOptions } from './follow.ts'
export { GridClient, type GridClientOptions } from './grid-client.ts'
export type {
  DomainEventTold,
  EntryTold,
  EventsOptions,
  GridEvent,
  ResetTold,
} from './grid-event.ts'
export type { LineOptions, LinePlace } from './line-visitor.ts'
export type { LiveAnswer, LiveOptions } from './live-answer.ts'
export type { RequestOptions } from './request-options.ts'
export type { Random, RetryPolicy } from './retry-policy.ts'
export type { Credential } from './sender.ts'
export type { ArchivedEntry, ArchivedOptions, ArchivedPage, StoredEntry } from './stored-entry.ts'
export type {
  Call,
  Transport,
  TransportRequest,
  TransportResponse,
  TransportStream,
} from './transport.ts'
export type { CachesIn, CommandsIn, FromJson, QueriesIn } from './typed-calls.ts'
