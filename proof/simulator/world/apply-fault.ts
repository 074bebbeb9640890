import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import type { Fault } from '../plan/fault.ts'
import type { Crew, Slot } from './crew.ts'
import type { World } from './world.ts'

/** Lets a fault of the plan happen, and end when its time is over. */
export function applyFault(fault: Fault, world: World, crew: Crew): void {
  const { clock, coverage } = world
  world.trace.note(`fault: ${JSON.stringify(fault)}`)
  const slot = 'slot' in fault ? crew.slots[fault.slot % crew.slots.length] : undefined
  const running = slot?.running
  const later = (ms: number, undo: () => void) => clock.after(ms, undo)
  if (slot && !running) return
  coverage.count(`fault: ${fault.what}${slot ? ` ${slot.role}` : ''}`)
  switch (fault.what) {
    case 'crash':
      running?.host.whenGone(() => restartLater(slot as Slot, fault, world, crew))
      if (fault.acts === 0) running?.host.crash()
      else running?.host.crashAfter(fault.acts)
      break
    case 'crash all':
      for (const one of crew.slots)
        if (one.role === fault.role || fault.role === 'everything') one.running?.host.crash()
      later(fault.downMs, () => crew.startMissing())
      break
    case 'stop':
      crew.stop(slot as Slot, 4000)
      restartLater(slot as Slot, fault, world, crew)
      break
    case 'pause':
      running?.host.pause()
      later(fault.forMs, () => running?.host.resume())
      break
    case 'cut':
      cut(fault, slot as Slot, world)
      break
    case 'appends': {
      const { what: _, forMs, ...faults } = fault
      Object.assign(world.appendFaults, faults)
      later(forMs, () =>
        Object.assign(world.appendFaults, { loss: 0, silence: 0, doubling: 0, delay: 0 }),
      )
      break
    }
    case 'leader change': {
      const links = crew.slots.flatMap(({ running }) => running?.[fault.stream] ?? [])
      for (const link of links) link.cut()
      later(fault.forMs, () => {
        for (const link of links) link.heal()
      })
      break
    }
    case 'full':
      world[fault.stream].full = true
      later(fault.forMs, () => {
        world[fault.stream].full = false
      })
      break
    case 'trim':
      // As far as anybody may: to what is stored.
      if (world.store.reached?.logIdentity === world.log.identity)
        world.log.trim(world.store.reached.position)
      break
    case 'messages': {
      const { what: _, forMs, ...faults } = fault
      Object.assign(world.network.faults, faults)
      later(forMs, () =>
        Object.assign(world.network.faults, { loss: 0, doubling: 0, delayMsMax: 2 }),
      )
      break
    }
    case 'slow store': {
      const faults = fault.store === 'store' ? world.storeFaults : world.imageFaults
      Object.assign(faults, { failure: fault.failure, delayMsMax: fault.delayMsMax })
      later(fault.forMs, () => world.calmStore(faults))
      break
    }
    case 'store refuses': {
      const entry = world.store.someEntry(new SeededRandom(fault.roll))
      if (!entry) break
      world.store.refuse(entry.cache, entry.key)
      later(fault.forMs, () => world.store.accept(entry.cache, entry.key))
      break
    }
    case 'image lost':
      void world.image.clear(world.spaceName)
      break
    case 'image evicts':
      world.image.evict(world.spaceName, new SeededRandom(fault.roll))
      break
    case 'queue purged':
      world.queueDamaged = true
      world.changes.trim(world.changes.last + 1)
      break
    case 'queue replaced':
      world.queueDamaged = true
      world.changes.replace()
      break
    case 'clock jump':
      world.time.wasWrong = true
      if (running) running.clock.options.skewMs += fault.byMs
      break
    case 'log clock jump':
      world.time.wasWrong = true
      world.logAheadMs += fault.byMs
      break
    case 'log clock wrong':
      world.time.wasWrong = true
      world.logAheadMs += fault.byMs
      later(fault.forMs, () => {
        world.logAheadMs -= fault.byMs
      })
      break
    case 'glitch':
      if (running) running[fault.stream ?? 'log'].glitch = fault.how
      break
    case 'zombie':
      crew.supplant(slot as Slot)
      later(fault.forMs, () => running?.host.resume())
      break
    case 'slow delivery': {
      const random = new SeededRandom(fault.roll)
      const connection = running?.[fault.stream].connection
      if (!connection) break
      connection.lateMs = () => random.below(fault.delayMsMax + 1)
      later(fault.forMs, () => {
        connection.lateMs = () => 0
      })
    }
  }
}

function restartLater(
  slot: Slot,
  { downMs, upgrade }: { readonly downMs: number; readonly upgrade: boolean },
  world: World,
  crew: Crew,
): void {
  if (upgrade && slot.role === 'unit' && slot.version === 'older') {
    slot.version = 'newer'
    world.coverage.count('units of a newer version')
  }
  world.clock.after(downMs, () => crew.start(slot))
}

function cut(
  { link, forMs }: Extract<Fault, { what: 'cut' }>,
  { running }: Slot,
  world: World,
): void {
  if (!running) return
  const { host, log, changes, store, image } = running
  const is = (one: typeof link) => link === one || link === 'all'
  const logs = [...(is('log') ? [log] : []), ...(is('changes') ? [changes] : [])]
  const stores = is('store') ? [store, image] : []
  for (const one of logs) one.cut()
  for (const one of stores) one.cut()
  if (is('network')) world.network.cut(host)
  world.clock.after(forMs, () => {
    for (const one of logs) one.heal()
    for (const one of stores) one.heal()
    if (is('network')) world.network.heal(host)
  })
}
