import { Type } from 'spacegrid'
import { partitionsSetting, readSettings, type Variables } from 'spacegrid/settings'

const settings = Type.Object({ PARTITIONS: partitionsSetting })

export interface AuctionSettings {
  /** Among which the auctions are divided. */
  readonly partitions: number
}

/**
 * What the environment says of auctions.
 * @throws GridError `configuration_invalid`: one line with the variable, its value and what is
 * allowed
 */
export function readAuctionSettings(variables?: Variables): AuctionSettings {
  return { partitions: readSettings(settings, variables).PARTITIONS }
}
