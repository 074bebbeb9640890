import type { Space } from '@spacegrid/grid/core/definition'
import type { GridClient } from '../../client/index.ts'
import type { Random } from '../random.ts'
import type { AuditCheck } from './audit-check.ts'
import type { User } from './user.ts'

/** What a scenario knows of the run that it is in. */
export interface Run {
  /** Unlike any other run's: part of the ids of whatever the run creates, so that none meet. */
  readonly id: string
  /** Distinct users (`--users`). Undefined: every arrival is another one. */
  readonly users: number | undefined
  /** Makes data: the same in every run with the same seed. */
  readonly random: Random
}

/** What some of the users do. */
export interface Journey<Spaces extends Space = Space> {
  /** How many take it, in proportion to the weights of the others. Default 1; 0: nobody. */
  readonly weight?: number
  /**
   * One user, from arrival to leaving. How the grid answers is no reason to throw; what is thrown
   * is a promise that the grid has not kept, and fails the audit.
   */
  visit(user: User<Spaces>): Promise<void>
}

/** What users do in one run, and what must be true of the grid afterwards, whatever happened. */
export interface Scenario<Spaces extends Space = Space> {
  /**
   * Creates what the users will use, before any of them comes.
   * @throws whatever went wrong: the run does not begin
   */
  prepare?(client: GridClient<Spaces>): Promise<void>
  /** By name. Each arrival draws one of them. */
  readonly journeys: Readonly<Record<string, Journey<Spaces>>>
  /**
   * Compares what users were told with what the grid says now: called once everybody is gone, and
   * after what became of unanswered commands has been found out.
   */
  audit?(client: GridClient<Spaces>): Promise<readonly AuditCheck[]>
}

/** What `npx spacegrid load --scenario` finds in a module, as its default export. */
export interface ScenarioDefinition<Spaces extends Space = Space> {
  /** The space that its users use. */
  readonly space: string
  /** Begins a run: what it must remember is in the scope of this function. */
  readonly start: (run: Run) => Scenario<Spaces>
}

/**
 * Users of one's own application, for `npx spacegrid load --scenario ./load.ts`:
 *
 *     export default defineScenario<typeof shop>('shop', (run) => ({
 *       journeys: { buy: { visit: async (user) => { await user.command('buy', { id: 'tea' }) } } },
 *     }))
 *
 * With the type of the space, names, inputs and results are checked by the compiler.
 */
export const defineScenario = <Spaces extends Space = Space>(
  space: Spaces['name'],
  start: (run: Run) => Scenario<Spaces>,
): ScenarioDefinition<Spaces> => ({ space, start })
