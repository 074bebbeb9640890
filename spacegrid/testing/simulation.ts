import type { Reader, Space } from '@spacegrid/grid/core/definition'
import type { About } from '@spacegrid/grid/core/process'
import type { Arbitrary } from 'fast-check'

/** What a generator of inputs may use: values that meet each other again. */
export interface InputMaker {
  /**
   * Texts out of a small pool, and texts that earlier results and queries have given in a field of
   * this name (`holdId` finds what a result called `holdId`). What is expected to collide comes
   * from here.
   */
  text(field?: string): Arbitrary<string>
  /** Times around now, ms since the epoch: a little past, soon, later. */
  time(): Arbitrary<number>
  /** What the command's own input schema says of one of its fields. */
  field(name: string): Arbitrary<unknown>
}

/** True, or what is wrong. Reads one committed state, as a query does. */
export type Invariant = (read: Reader) => true | string

/**
 * Everything that can be found in an application. Anything else that a simulation says is broken is
 * broken in the grid.
 */
export const findingRules = [
  'invariant',
  'application fault',
  'changed in place',
  'clock',
  'random',
  'environment',
  'not repeatable',
  'lost update',
  'unbounded read',
  'projection',
  'dead letter',
  'not compensated',
  'never settles',
  'never succeeds',
  'never exercised',
] as const
export type FindingRule = (typeof findingRules)[number]

/**
 * Stands in for what is called outside: what a call comes to, of the event and the results of the
 * steps before (the parameter is typed by whoever writes it). `throw new Rejection(reason)` is a
 * "no". Asked once for each id: the service that it makes forgets nothing, does nothing twice under
 * one id, and fails at times.
 */
export type CallStandIn = (context: never, about: About) => unknown

export interface SimulationOptions {
  /**
   * What must be true of every committed state, by name. Asked of every unit again and again, and
   * after every transaction.
   */
  readonly invariants?: Readonly<Record<string, Invariant>>
  /**
   * What must be true at the end, when everything has calmed down and every unit has caught up, by
   * name.
   */
  readonly finally?: Readonly<Record<string, Invariant>>
  /**
   * Generators of the inputs of commands and queries, by name. Default: made from the input's
   * schema.
   */
  readonly inputs?: Readonly<Record<string, (make: InputMaker) => Arbitrary<unknown>>>
  /** Commands that come first, each until it has been done. */
  readonly setup?: readonly (readonly [command: string, input: Readonly<Record<string, unknown>>])[]
  /**
   * How often a command or query is chosen compared with others; 0: never. Default 1 each, and each
   * seed weighs anew on top of it.
   */
  readonly weights?: Readonly<Record<string, number>>
  /**
   * What stands in for the calls of processes, by process and step: `'selling.payment'`. A process
   * with a call that is not named here is not simulated.
   */
  readonly calls?: Readonly<Record<string, CallStandIn>>
  /** What is not to be looked for. Default: everything is. */
  readonly ignore?: readonly FindingRule[]
  /** Entries that a range without a limit may read while it grows with its cache. Default 20. */
  readonly rangeEntriesMax?: number
}

/** A space, and what a simulation of it should know. Made by `defineSimulation`. */
export interface Simulation extends SimulationOptions {
  readonly space: Space
}

/**
 * Declares what `spacegrid simulate` should know of a space: exported beside it, under any name.
 * @throws TypeError when it names a command or query that the space does not have
 */
export function defineSimulation(space: Space, options: SimulationOptions = {}): Simulation {
  const isKnown = (name: string) => space.commands.has(name) || space.queries.has(name)
  for (const [what, names] of [
    ['inputs', Object.keys(options.inputs ?? {})],
    ['weights', Object.keys(options.weights ?? {})],
    ['setup', (options.setup ?? []).map(([command]) => command)],
  ] as const)
    for (const name of names)
      if (!isKnown(name))
        throw new TypeError(
          `simulation of ${space.name}: ${what} names ${name}, which is no command or query of it`,
        )
  for (const name of Object.keys(options.calls ?? {}))
    if (!hasCall(space, name))
      throw new TypeError(
        `simulation of ${space.name}: calls names ${name}, which is no call of a process of it`,
      )
  return { space, ...options }
}

const hasCall = ({ reactions = new Map() }: Space, name: string): boolean =>
  [...reactions.values()].some((process) =>
    process.steps.some(
      (step) => step.act.kind === 'call' && callName(process.name, step.name) === name,
    ),
  )

/** Of a call of a process, among the stand-ins of a simulation. */
export const callName = (process: string, step: string): string => `${process}.${step}`
