import { describePlacement } from '@spacegrid/grid/engine/placement/describe'
import { unitRoles } from '@spacegrid/grid/engine/placement/member'
import type { PlacementStatus } from '@spacegrid/grid/engine/placement/placement-status'
import {
  decodePresence,
  type PresenceTold,
} from '@spacegrid/grid/engine/placement/presence-message'
import { type Clock, sleep } from '@spacegrid/grid/engine/ports/clock'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'

const roles: ReadonlySet<string> = new Set(Object.values(unitRoles))

/** Everybody speaks each half second. */
const listenMs = 1300

/** Who keeps what of one space, as somebody sees it who listens for a moment. */
export interface HeardPlacement extends PlacementStatus {
  readonly space: string
  /** By partition: the names of those that keep it ready, the home first. */
  readonly keepers: readonly (readonly string[])[]
  /** By partition: the names of the query units that keep it ready. */
  readonly readers: readonly (readonly string[])[]
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
    if (told && roles.has(told.role)) heard.set(told.id, told)
  })
  await sleep(clock, listenMs)
  await subscription.stop()
  const members = [...heard.values()].filter(({ gone }) => !gone)
  if (members.length === 0) return undefined
  const partitions = Math.max(...members.map((member) => member.partitions))
  const taking = members.filter(({ role }) => role === unitRoles.commands)
  const copies = Math.max(1, ...taking.map((member) => member.copies))
  const status = describePlacement({ space, partitions, copies, members })
  const keepers = status.homes.map((home, partition) => {
    const ready = status.members.filter((member) => member.ready.includes(partition))
    const others = ready.map(({ name }) => name).filter((name) => name !== home)
    return home === null ? others : [home, ...others]
  })
  const readers = status.homes.map((_, partition) =>
    (status.queryUnits?.members ?? [])
      .filter(({ ready }) => ready.includes(partition))
      .map(({ name }) => name),
  )
  return { space, ...status, keepers, readers }
}
