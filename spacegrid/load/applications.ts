import type { Application } from './application.ts'
import { type AuctionOptions, AuctionRoom } from './auction.ts'
import { Ticketing, type TicketingOptions } from './ticketing.ts'

/** What any application's users may need to know; each takes its part. */
export type ApplicationOptions = TicketingOptions & AuctionOptions

/** Every application that can be put under load, by its name on the command line. */
const applications = {
  ticketing: (options: ApplicationOptions): Application => new Ticketing(options),
  auction: (options: ApplicationOptions): Application => new AuctionRoom(options),
} as const

export type ApplicationName = keyof typeof applications

export const applicationNames = Object.keys(applications) as ApplicationName[]

export function createApplication(name: ApplicationName, options: ApplicationOptions): Application {
  return applications[name](options)
}
