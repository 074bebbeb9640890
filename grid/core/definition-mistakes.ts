import type { InputOf, ResultOf } from './call-types.ts'
import type { AnyCommand, AnyQuery, CommandPart } from './definition.ts'
import type { MarksOf } from './marks.ts'
import type { Mistake, MistakeIn } from './mistake.ts'
import type { Resolved } from './operation-options.ts'
import type { AnyProjection, Projection } from './projection/projection.ts'
import type { AnyCache } from './transaction.ts'

/**
 * What `define…` asks of its options beside their own types: `unknown` where nothing is wrong, or
 * the mistake that the compiler then names. While the compiler is still finding out what a handler
 * returns it is `unknown` to it, which passes, as what is typed so does.
 */

/** A handler runs in one go, and comes to an end. */
type Runs<What extends string, Returned> = unknown extends Returned
  ? unknown
  : [Returned] extends [never]
    ? Mistake<`${What} must return: it only throws; where that is meant, write down what it would return, as in (): void => …`>
    : [Extract<Returned, PromiseLike<unknown>>] extends [never]
      ? unknown
      : Mistake<`${What} must not be async: it runs in one go; wait for things before the call, or after it`>

/** What a caller is told of it. */
export type Told<Returned> = Returned extends void ? null : Returned

/** What does not even run is told as that. */
type Fits<What extends string, Returned, Wanted> = unknown extends Returned
  ? unknown
  : [Extract<Returned, PromiseLike<unknown>>] extends [never]
    ? [Told<Returned>] extends [Wanted]
      ? unknown
      : [Misfits<Told<Returned>, Wanted>] extends [never]
        ? Mistake<`${What} does not fit the result schema`>
        : MistakeIn<Misfits<Told<Returned>, Wanted>, `${What} does not fit the result schema`>
    : unknown

/** Fields that keep an object from being another. */
type Misfits<Got, Wanted> = Got extends readonly unknown[]
  ? never
  : Got extends object
    ? Wanted extends object
      ? {
          [Field in keyof Wanted & string]: Pick<Got, Field & keyof Got> extends Pick<Wanted, Field>
            ? never
            : Field
        }[keyof Wanted & string]
      : never
    : never

/** A command has either a handler or parts. */
export type CommandCheck<Given, Data, Answer, Wanted, Parts> = CommandFunctions<
  Given,
  Data,
  Answer,
  Wanted,
  Parts
> &
  ('parts' extends Given ? unknown : { readonly handler: unknown })

interface CommandFunctions<Given, Data, Answer, Wanted, Parts> {
  readonly handler?: 'parts' extends Given
    ? Mistake<'a command that consists of parts has no handler: they do its work'>
    : Runs<'the handler', Data> &
        ('answer' extends Given
          ? unknown
          : Fits<'what the handler returns', Resolved<Data>, Wanted>)
  readonly answer?: Runs<'the answer', Answer> & Fits<'what the answer returns', Answer, Wanted>
  readonly parts?: PartsFit<Parts> &
    ('answer' extends Given
      ? unknown
      : Fits<'what the parts return', ResultsOfParts<Parts>, Wanted>)
  readonly partitionBy?: 'parts' extends Given
    ? Mistake<'a command that consists of parts is in several partitions: each part says in which'>
    : unknown
}

/** What the parts of a command answer, in their order. */
export type ResultsOfParts<Parts> = {
  readonly [Place in keyof Parts]: Parts[Place] extends {
    readonly command: infer Of extends AnyCommand
  }
    ? ResultOf<Of>
    : never
}

type PartsFit<Parts> = Parts extends readonly (infer Part)[]
  ? NoMistake<PartMistake<Part>>
  : unknown

type PartMistake<Part> = Part extends { readonly command: infer Of extends AnyCommand }
  ? string extends MarksOf<Of>
    ? never
    : 'parts' extends MarksOf<Of>
      ? `${Of['name']} consists of parts itself: a part is a command with a handler`
      : Part extends { readonly input: InputOf<Of> }
        ? never
        : `the input does not fit the part ${Of['name']}`
  : never

export interface QueryCheck<Given, Result, Merged, Wanted> {
  readonly handler: Runs<'the handler', Result> &
    ('everyPartition' extends Given ? unknown : Fits<'what the handler returns', Result, Wanted>)
  readonly everyPartition?: {
    readonly merge: Runs<'the merge', Merged> & Fits<'what the merge returns', Merged, Wanted>
  }
}

/**
 * What the compiler remembers of a declaration when this option has been given. No alias for the
 * union of them: messages would then list all options.
 */
export interface MarkOf<Parts = never> {
  readonly partitionBy: 'partitioned'
  readonly everyPartition: 'everyPartition'
  readonly partOnly: 'partOnly'
  readonly parts: 'parts' | `part ${PartName<Parts>}`
}

type PartName<Parts> = Parts extends readonly (infer Part)[]
  ? Part extends CommandPart
    ? Part['command']['name']
    : never
  : never

/** What in a space with several partitions does not say in which one it is. */
type Unplaced<Of, Enough extends string> = Of extends { readonly name: infer Name extends string }
  ? string extends MarksOf<Of>
    ? never
    : [Extract<MarksOf<Of>, Enough>] extends [never]
      ? Name
      : never
  : never

/** What a command consists of and the space does not have. */
type StrayParts<Of, Names extends string> = Of extends AnyCommand
  ? string extends MarksOf<Of>
    ? never
    : MarksOf<Of> extends infer Mark
      ? Mark extends `part ${infer Part}`
        ? Part extends Names
          ? never
          : `${Of['name']} consists of ${Part} among others, which is not among the commands of the space`
        : never
      : never
  : never

/** What works with a cache that is not of the space. */
type Strays<Of, Names extends string> = Of extends {
  readonly name: infer Name extends string
  readonly caches: infer Uses
}
  ? Stray<Name, NameIn<NonNullable<Uses>>, Names>
  : never

type NameIn<Caches> = Caches extends readonly { readonly name: infer Name extends string }[]
  ? Name
  : never

type Stray<Of extends string, Uses extends string, Names extends string> = string extends Uses
  ? never
  : Exclude<Uses, Names> extends infer Missing extends string
    ? [Missing] extends [never]
      ? never
      : `${Of} works with cache ${Missing}, which is not among the caches of the space`
    : never

type NoMistake<Message extends string> = [Message] extends [never] ? unknown : Mistake<Message>

/** Whether a space of so many partitions may have more than one. */
type Divided<Partitions, Message extends string> = Partitions extends 1 ? never : Message

export interface SpaceCheck<
  Names extends string,
  Commands extends AnyCommand,
  Queries extends AnyQuery,
  Projections extends AnyProjection,
  Caches extends AnyCache,
  Partitions extends number,
> {
  readonly caches?: NoMistake<
    Divided<
      Partitions,
      `the space is divided, and cache ${Unplaced<Caches, 'partitioned'>} has no partitionBy`
    >
  >
  readonly commands?: NoMistake<
    | (string extends Names ? never : Strays<Commands, Names>)
    | StrayParts<Commands, Commands['name']>
    | Divided<
        Partitions,
        `the space is divided, and command ${Unplaced<Commands, 'partitioned' | 'parts'>} has neither partitionBy nor parts`
      >
  >
  readonly queries?: NoMistake<
    | (string extends Names ? never : Strays<Queries, Names>)
    | Divided<
        Partitions,
        `the space is divided, and query ${Unplaced<Queries, 'partitioned' | 'everyPartition'>} has neither partitionBy nor everyPartition`
      >
  >
  readonly projections?: string extends Names
    ? unknown
    : NoMistake<
        Projections extends Projection<infer _Row, infer _Indexes, infer Uses, infer Name>
          ? Stray<`projection ${Name}`, Uses, Names>
          : never
      >
}
