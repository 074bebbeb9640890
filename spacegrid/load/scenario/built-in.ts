import { auction } from '../auction/auction.ts'
import { ticketing } from '../ticketing/ticketing.ts'
import type { ScenarioDefinition } from './scenario.ts'

/** What the users of the applications that come along may be told to do; each takes its part. */
export interface BuiltInOptions {
  /** Ticketing: seats of each event. */
  readonly seats: number
  readonly events: number
  /** Of several events: share of users who come for the first one; the others have equal shares. */
  readonly hot: number
  /** Share of users who only look. */
  readonly browse: number
  /** Ticketing: of those who buy, share who want particular seats instead of the best ones. */
  readonly specific: number
  /**
   * Share of holds that are confirmed, half of the rest are released, half forgotten; of outbid
   * users who bid again, each time.
   */
  readonly confirm: number
}

/** Every application that comes along, by its name on the command line. */
const scenarios = { ticketing, auction } as const satisfies Record<
  string,
  (options: BuiltInOptions) => ScenarioDefinition
>

export type ApplicationName = keyof typeof scenarios

export const applicationNames = Object.keys(scenarios) as ApplicationName[]

export const builtInScenario = (name: ApplicationName, options: BuiltInOptions) =>
  scenarios[name](options)
