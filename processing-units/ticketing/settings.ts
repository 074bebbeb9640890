import { Type } from 'spacegrid'
import { readSettings, type Variables } from 'spacegrid/settings'

/** setTimeout takes no more. */
const msMax = 2_147_483_647

const settings = Type.Object({
  HOLD_MS: Type.Integer({
    minimum: 1,
    maximum: msMax,
    default: 120_000,
    description: 'How long seats are held',
    allowed: `an integer from 1 to ${msMax} (ms)`,
  }),
})

export interface TicketingSettings {
  /** How long seats are held before they are free again, ms. */
  readonly holdMs: number
}

/**
 * What the environment says of ticketing.
 * @throws GridError `configuration_invalid`: one line with the variable, its value and what is
 * allowed
 */
export function readTicketingSettings(variables?: Variables): TicketingSettings {
  return { holdMs: readSettings(settings, variables).HOLD_MS }
}
