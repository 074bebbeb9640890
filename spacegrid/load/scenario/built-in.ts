import { type AuctionOptions, auction } from '../auction/auction.ts'
import { type TicketingOptions, ticketing } from '../ticketing/ticketing.ts'
import type { ScenarioDefinition } from './scenario.ts'

/** What the users of the applications that come along may be told to do; each takes its part. */
export type BuiltInOptions = TicketingOptions & AuctionOptions

/** Every application that comes along, by its name on the command line. */
const scenarios = { ticketing, auction } as const satisfies Record<
  string,
  (options: BuiltInOptions) => ScenarioDefinition
>

export type ApplicationName = keyof typeof scenarios

export const applicationNames = Object.keys(scenarios) as ApplicationName[]

export const builtInScenario = (name: ApplicationName, options: BuiltInOptions) =>
  scenarios[name](options)
