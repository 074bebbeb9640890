import type { TObject, TSchema } from 'typebox'
import { type Access, type CommandContext, checkedAccess } from './access.ts'
import { rememberDeclaration } from './application-fault.ts'
import type { PartitionField, RequiredText, Static } from './data-types.ts'
import { checkConsists, takePartitionBy } from './declared-partitions.ts'
import type { Acknowledgement, Command, CommandPart, Priority } from './definition.ts'
import {
  checkDescription,
  checkedCaches,
  checkedReasons,
  checkFunction,
  checkName,
  checkSynchronous,
  takenObject,
  takenSchema,
} from './definition-checks.ts'
import type { CommandCheck, MarkOf, ResultsOfParts, Told } from './definition-mistakes.ts'
import type { Mistake } from './mistake.ts'
import type { Resolved } from './operation-options.ts'
import { runParts } from './parts.ts'
import type { CacheNamed, PartitionKey, Transaction, Unpartitionable } from './transaction.ts'

const acknowledgements: readonly unknown[] = ['accepted', 'committed', 'persisted']
const priorities: readonly unknown[] = ['finish', 'begin', 'browse']

/**
 * The caches that a handler works with, if it says so: the compiler then refuses others, and a
 * space that lacks one.
 */
export interface Using<Uses extends string> {
  readonly caches?: readonly CacheNamed<Uses>[]
}

export interface CommandOptions<
  I extends TObject,
  Data,
  R extends TSchema = TSchema,
  Answer = unknown,
  Uses extends string = string,
  Input = Static<I>,
  Parts extends readonly CommandPart[] = readonly CommandPart[],
  Reasons extends string = string,
> extends Using<Uses> {
  readonly input: I
  readonly description?: string
  /**
   * Schema of the result, which is checked against it; objects have no other fields than it says.
   */
  readonly result?: R
  /** Default acknowledgement level, `committed` when not given. */
  readonly acknowledge?: Acknowledgement
  /**
   * How urgent it is when a unit has more to do than it can, `begin` when not given.
   * docs/overload.md.
   */
  readonly priority?: Priority
  /**
   * All reasons for which it may be refused, those of its operations (`otherwise`) among them: the
   * compiler and the unit then refuse others, and callers find them in the OpenAPI document.
   */
  readonly rejections?: readonly Reasons[]
  /**
   * Synchronous. It may refuse (`tx.reject`), and runs again after a collision. Its context says
   * who asks.
   */
  readonly handler?: (
    tx: Transaction<Uses, Reasons>,
    input: NoInfer<Input>,
    context: CommandContext,
  ) => Data
  /**
   * In a handler's place: commands of the same space that this one consists of, each with its
   * input, all or none. Of a space with several partitions each may be in another one; with one
   * they are one transaction. Pure.
   */
  readonly parts?: (input: NoInfer<Input>) => Parts
  /**
   * Makes the result of what the handler has returned, outcomes filled in; of the list of results
   * of its parts, if it consists of parts.
   */
  readonly answer?: (data: AnswerData<Data, Parts>) => Answer
  /** Of a space with several partitions: where in its input the partition is found. */
  readonly partitionBy?: NoInfer<
    PartitionKey<PartitionField<Input>, RequiredText<Input>> | Mistake<Unpartitionable>
  >
  /** No door takes it: it is only there to be a part of others. */
  readonly partOnly?: true
  /**
   * Of a space with one partition: commands with the same values here change the same entries, and
   * are best run by the same unit.
   */
  readonly affinity?: NoInfer<
    PartitionKey<PartitionField<Input>, RequiredText<Input>> | Mistake<Unpartitionable>
  >
  /**
   * Who may call it, where callers are asked who they are: `public`, `identified` or roles.
   * Default: only those whom configuration names. docs/security.md.
   */
  readonly access?: Access
}

/** What an `answer` is given: of parts, if the compiler has found any. */
export type AnswerData<
  Data,
  Parts extends readonly CommandPart[],
> = CommandPart extends Parts[number] ? Resolved<Data> : ResultsOfParts<Parts>

/**
 * Declares a command. What its callers are answered is typed by `result`; without it, by what
 * `answer` or the handler returns.
 * @throws TypeError when the name, a schema, a callback or the level cannot be kept
 */
export function defineCommand<
  const Name extends string,
  I extends TObject,
  const Data,
  Given extends keyof CommandOptions<I, Data>,
  R extends TSchema = TSchema,
  const Answer = unknown,
  // biome-ignore lint/suspicious/noExplicitAny: a handler that does not name its caches may use any
  Uses extends string = any,
  Input = Static<I>,
  Wanted = Static<R>,
  const Parts extends readonly CommandPart[] = readonly CommandPart[],
  // biome-ignore lint/suspicious/noExplicitAny: one that does not name its reasons may have any
  const Reasons extends string = any,
>(
  name: Name,
  options: CommandOptions<I, Data, R, Answer, Uses, Input, Parts, Reasons> &
    CommandCheck<Given, Data, Answer, Wanted, Parts> & { readonly [Option in Given]?: unknown },
): Command<
  Input,
  Data,
  TSchema extends R ? Told<'answer' extends Given ? Answer : AnswerData<Data, Parts>> : Wanted,
  Name,
  Uses,
  'declared' | MarkOf<Parts>[Given & keyof MarkOf]
> {
  checkName('command', name)
  const { description, result, acknowledge = 'committed', parts, answer } = options
  const { priority = 'begin' } = options
  checkDescription(`command ${name}`, description)
  if (parts === undefined) checkSynchronous(`command ${name}: handler`, options.handler)
  else checkConsists(`command ${name}`, options)
  if (answer !== undefined) checkFunction(`command ${name}: answer`, answer)
  if (!acknowledgements.includes(acknowledge))
    throw new TypeError(
      `command ${name}: acknowledge must be one of ${acknowledgements.join(', ')}`,
    )
  if (!priorities.includes(priority))
    throw new TypeError(`command ${name}: priority must be one of ${priorities.join(', ')}`)
  const keyOf = (what: 'partitionBy' | 'affinity') =>
    takePartitionBy(`command ${name}`, options.input, options[what] as PartitionKey, what)
  const command: Command<Input, Data, never, Name, Uses, never> = {
    name,
    description,
    input: takenObject(`command ${name}: the input`, options.input),
    result: result && takenSchema(`command ${name}: the result`, result),
    acknowledge,
    priority,
    rejections: checkedReasons(`command ${name}`, options.rejections),
    caches: checkedCaches(`command ${name}`, options.caches),
    handler: options.handler ?? (runParts(() => command) as (typeof command)['handler']),
    answer: answer as (typeof command)['answer'],
    partitionBy: keyOf('partitionBy'),
    parts,
    partOnly: options.partOnly,
    affinity: keyOf('affinity'),
    access: checkedAccess(`command ${name}`, options.access),
  }
  return rememberDeclaration(command)
}
