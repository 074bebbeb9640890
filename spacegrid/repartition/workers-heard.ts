import { decodeMemoryTold } from '@spacegrid/grid/engine/memory/memory-message'
import { type Clock, sleep } from '@spacegrid/grid/engine/ports/clock'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'

/** Every process that works for a space tells its memory each second. */
const listenMs = 2500

/** `unit unit-1`: those that work for a space, units of both roles, pumps, writers and readers. */
export async function hearWorkers(
  space: string,
  messaging: Messaging,
  clock: Clock,
): Promise<string[]> {
  const heard = new Map<number, string>()
  const subscription = messaging.subscribe(subjects.memory(space), ({ data }) => {
    const told = decodeMemoryTold(data)
    if (told) heard.set(told.id, `${told.role} ${told.name}`)
  })
  await sleep(clock, listenMs)
  await subscription.stop()
  return [...heard.values()].sort()
}
