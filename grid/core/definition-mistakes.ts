import type { AnyCommand, AnyProjection, AnyQuery, Resolved } from './definition.ts'
import type { Mistake, MistakeIn } from './mistake.ts'

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

type Fits<What extends string, Returned, Wanted> = unknown extends Returned
  ? unknown
  : [Told<Returned>] extends [Wanted]
    ? unknown
    : [Misfits<Told<Returned>, Wanted>] extends [never]
      ? Mistake<`what ${What} returns does not fit the result schema`>
      : MistakeIn<
          Misfits<Told<Returned>, Wanted>,
          `what ${What} returns does not fit the result schema`
        >

/** Fields that keep an object from being another. */
type Misfits<Got, Wanted> = Got extends object
  ? Wanted extends object
    ? {
        [Field in keyof Wanted & string]: Pick<Got, Field & keyof Got> extends Pick<Wanted, Field>
          ? never
          : Field
      }[keyof Wanted & string]
    : never
  : never

export interface CommandCheck<Given, Data, Answer, Wanted> {
  readonly handler: Runs<'the handler', Data> &
    ('answer' extends Given ? unknown : Fits<'the handler', Resolved<Data>, Wanted>)
  readonly answer?: Runs<'the answer', Answer> & Fits<'the answer', Answer, Wanted>
}

export interface QueryCheck<Result, Wanted> {
  readonly handler: Runs<'the handler', Result> & Fits<'the handler', Result, Wanted>
}

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

type NoStrays<Message extends string> = [Message] extends [never] ? unknown : Mistake<Message>

export interface SpaceCheck<
  Names extends string,
  Commands extends AnyCommand,
  Queries extends AnyQuery,
  Projections extends AnyProjection,
> {
  readonly commands?: string extends Names ? unknown : NoStrays<Strays<Commands, Names>>
  readonly queries?: string extends Names ? unknown : NoStrays<Strays<Queries, Names>>
  readonly projections?: string extends Names
    ? unknown
    : NoStrays<
        Projections extends { readonly cache: { readonly name: infer Uses extends string } }
          ? Stray<'a projection', Uses, Names>
          : never
      >
}
