import type { Reader, Space } from '@spacegrid/grid/core/definition'
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
  'never succeeds',
  'never exercised',
] as const
export type FindingRule = (typeof findingRules)[number]

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
  return { space, ...options }
}
