import type { TObject, TSchema } from 'typebox'
import { type Access, checkedAccess, type QueryContext } from './access.ts'
import { rememberDeclaration } from './application-fault.ts'
import { mergingOne } from './callback.ts'
import type { PartitionField, RequiredText, Static } from './data-types.ts'
import { takePartitionBy } from './declared-partitions.ts'
import type { Using } from './define-command.ts'
import type { EveryPartition, Query, Reader, Scattered } from './definition.ts'
import {
  checkDescription,
  checkedCaches,
  checkFunction,
  checkName,
  takenObject,
  takenSchema,
} from './definition-checks.ts'
import type { MarkOf, QueryCheck, Told } from './definition-mistakes.ts'
import type { Mistake } from './mistake.ts'
import type { PartitionKey, Unpartitionable } from './transaction.ts'

export interface QueryOptions<
  I extends TObject,
  Result,
  R extends TSchema = TSchema,
  Uses extends string = string,
  Input = Static<I>,
  Merged = unknown,
> extends Using<Uses> {
  readonly input: I
  readonly description?: string
  /**
   * Schema of the result, which is checked against it; objects have no other fields than it says.
   */
  readonly result?: R
  readonly handler: (read: Reader<Uses>, input: NoInfer<Input>, context: QueryContext) => Result
  /** Of a space with several partitions: where in its input the partition is found. */
  readonly partitionBy?: NoInfer<
    PartitionKey<PartitionField<Input>, RequiredText<Input>> | Mistake<Unpartitionable>
  >
  /**
   * Of a space with several partitions: it is asked of all of them, and `merge` makes one answer of
   * what the handler has returned in each. With one partition, of that one's. Each partition
   * answers from a state of its own, also when the latest is asked for: all that was answered
   * before is in it; of what goes on meanwhile one partition may have a part that another one does
   * not have yet.
   */
  readonly everyPartition?: EveryPartition<NoInfer<Input>, NoInfer<Result>, Merged>
  /**
   * Who may ask it, where callers are asked who they are: `public`, `identified` or roles. Default:
   * only those whom configuration names. docs/security.md.
   */
  readonly access?: Access
  /**
   * Its answer depends on who asks, which its handler then hears (`context`): of a live query each
   * caller has an answer of its own. Default: all hear the same. docs/security.md.
   */
  readonly perCaller?: true
}

/**
 * Declares a query. What its callers are answered is typed by `result`; without it, by what the
 * handler (or `merge`) returns.
 * @throws TypeError when the name, a schema, the handler or what says where it is asked cannot be
 * kept
 */
export function defineQuery<
  const Name extends string,
  I extends TObject,
  const Result,
  Given extends keyof QueryOptions<I, Result>,
  R extends TSchema = TSchema,
  // biome-ignore lint/suspicious/noExplicitAny: as above
  Uses extends string = any,
  Input = Static<I>,
  Wanted = Static<R>,
  const Merged = unknown,
>(
  name: Name,
  options: QueryOptions<I, Result, R, Uses, Input, Merged> &
    QueryCheck<Given, Result, Merged, Wanted> & { readonly [Option in Given]?: unknown },
): Query<
  Input,
  TSchema extends R ? Told<'everyPartition' extends Given ? Merged : Result> : Wanted,
  Name,
  Uses,
  'declared' | MarkOf[Given & keyof MarkOf]
> {
  checkName('query', name)
  const { description, result, handler, everyPartition } = options
  checkDescription(`query ${name}`, description)
  checkFunction(`query ${name}: handler`, handler)
  if (everyPartition !== undefined) {
    checkFunction(`query ${name}: everyPartition.merge`, everyPartition.merge)
    if (options.partitionBy !== undefined)
      throw new TypeError(`query ${name} has partitionBy, and everyPartition: only one can be`)
  }
  return rememberDeclaration({
    name,
    description,
    input: takenObject(`query ${name}: the input`, options.input),
    result: result && takenSchema(`query ${name}: the result`, result),
    caches: checkedCaches(`query ${name}`, options.caches),
    handler: everyPartition ? mergingOne(handler, everyPartition.merge) : handler,
    partitionBy: takePartitionBy(
      `query ${name}`,
      options.input,
      options.partitionBy as PartitionKey,
    ),
    everyPartition: everyPartition && { each: handler, merge: everyPartition.merge as Merge },
    access: checkedAccess(`query ${name}`, options.access),
    perCaller: options.perCaller,
  })
}

/** Whatever the handler returns in each partition. */
type Merge = Scattered<unknown>['merge']
