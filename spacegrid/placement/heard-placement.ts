import { describePlacement } from '@spacegrid/grid/engine/placement/describe'
import type { PlacementStatus } from '@spacegrid/grid/engine/placement/placement-status'
import {
  decodePresence,
  type PresenceTold,
} from '@spacegrid/grid/engine/placement/presence-message'
import { type Clock, sleep } from '@spacegrid/grid/engine/ports/clock'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'

/** Everybody speaks each half second. */
const listenMs = 1300

/** Who keeps what of one space, as somebody sees it who listens for a moment. */
export interface HeardPlacement extends PlacementStatus {
  readonly space: string
  /** By partition: the names of those that keep it ready, the home first. */
  readonly keepers: readonly (readonly string[])[]
}

/** undefined: nobody who works for the space has said a word. */
export async function hearPlacement(
  space: string,
  messaging: Messaging,
  clock: Clock,
): Promise<HeardPlacement | undefined> {
  const heard = new Map<number, PresenceTold>()
  const subscription = messaging.subscribe(subjects.presence(space), ({ data }) => {
    const told = decodePresence(data)
    if (told?.role === 'unit') heard.set(told.id, told)
  })
  await sleep(clock, listenMs)
  await subscription.stop()
  const members = [...heard.values()].filter(({ gone }) => !gone)
  if (members.length === 0) return undefined
  const partitions = Math.max(...members.map((member) => member.partitions))
  const copies = Math.max(...members.map((member) => member.copies))
  const status = describePlacement({ space, partitions, copies, members })
  const keepers = status.homes.map((home, partition) => {
    const ready = status.members.filter((member) => member.ready.includes(partition))
    const others = ready.map(({ name }) => name).filter((name) => name !== home)
    return home === null ? others : [home, ...others]
  })
  return { space, ...status, keepers }
}
