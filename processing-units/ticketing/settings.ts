import { Type } from 'spacegrid'
import { partitionsSetting, readSettings, type Variables } from 'spacegrid/settings'

/** setTimeout takes no more. */
const msMax = 2_147_483_647

/** A hundred years. */
const archiveMsMax = 3_153_600_000_000

const settings = Type.Object({
  HOLD_MS: Type.Integer({
    minimum: 1,
    maximum: msMax,
    default: 120_000,
    description: 'How long seats are held',
    allowed: `an integer from 1 to ${msMax} (ms)`,
  }),
  ARCHIVE_ORDERS_MS: Type.Integer({
    minimum: 0,
    maximum: archiveMsMax,
    default: 0,
    description: 'How long after they were made orders leave memory; 0: never',
    allowed: `an integer from 0 to ${archiveMsMax} (ms; 0: never)`,
  }),
  PARTITIONS: partitionsSetting,
})

export interface TicketingSettings {
  /** How long seats are held before they are free again, ms. */
  readonly holdMs: number
  /** How long after they were made orders leave memory, ms; 0: never. */
  readonly archiveOrdersMs: number
  /** Among which the events are divided. */
  readonly partitions: number
}

/**
 * What the environment says of ticketing.
 * @throws GridError `configuration_invalid`: one line with the variable, its value and what is
 * allowed
 */
export function readTicketingSettings(variables?: Variables): TicketingSettings {
  const {
    HOLD_MS: holdMs,
    ARCHIVE_ORDERS_MS: archiveOrdersMs,
    PARTITIONS: partitions,
  } = readSettings(settings, variables)
  return { holdMs, archiveOrdersMs, partitions }
}
