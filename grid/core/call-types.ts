import type { AnyCommand, AnyQuery, Command, Query, Space } from './definition.ts'
import type { MarksOf } from './marks.ts'

/** Of a command whose definition is not known, nothing is. */
type Known<T> = 0 extends 1 & T ? unknown : T

/** What calling it takes and gives. */
export interface Call<Input = unknown, Result = unknown> {
  readonly input: Input
  readonly result: Result
}

/** What a command or a query takes: `InputOf<typeof holdSeats>`. */
export type InputOf<Of extends AnyCommand | AnyQuery> = Known<Parameters<Of['handler']>[1]>

/**
 * What its caller is answered: the values of its result schema, or what the handler (or `answer`)
 * returns; null for nothing.
 */
export type ResultOf<Of extends AnyCommand | AnyQuery> =
  Of extends Command<infer _Input, infer _Data, infer Result>
    ? Known<Result>
    : Of extends Query<infer _Input, infer Result>
      ? Known<Result>
      : never

/**
 * Command name → what calling it takes and gives: `CommandsOf<typeof
 * ticketing>['holdSeats']['input']`.
 */
export type CommandsOf<S extends Space> =
  S extends Space<infer Commands>
    ? { readonly [Of in Commands as CalledName<Of>]: Call<InputOf<Of>, ResultOf<Of>> }
    : never

/** What is only there to be a part of others nobody calls. */
type CalledName<Of extends AnyCommand> =
  string extends MarksOf<Of> ? Of['name'] : 'partOnly' extends MarksOf<Of> ? never : Of['name']

/** Query name → what calling it takes and gives. */
export type QueriesOf<S extends Space> =
  S extends Space<AnyCommand, infer Queries>
    ? { readonly [Of in Queries as Of['name']]: Call<InputOf<Of>, ResultOf<Of>> }
    : never

/** Names of a space's caches. */
export type CacheNameOf<S extends Space> =
  S extends Space<AnyCommand, AnyQuery, infer Name> ? Name : never
