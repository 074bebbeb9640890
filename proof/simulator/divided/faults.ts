import type { Places, Slot } from './places.ts'
import type { Fault } from './plan.ts'
import type { Connected, DividedWorld } from './world.ts'

/** `crew`: whom it happens to. */
export function applyFault<Running extends Connected>(
  fault: Fault,
  world: DividedWorld,
  crew: Places<Running>,
): void {
  const { clock, coverage, network, trace } = world
  trace.note(`fault: ${JSON.stringify(fault)}`)
  const slot = 'unit' in fault ? crew.slots[fault.unit % crew.slots.length] : undefined
  const running = slot?.running
  if (slot && !running) return
  coverage.count(`fault: ${fault.what}`)
  const startLater = (one: Slot<Running>, afterMs: number) =>
    clock.after(afterMs, () => crew.start(one))
  switch (fault.what) {
    case 'crash':
      running?.host.whenGone(() => startLater(slot as Slot<Running>, fault.downMs))
      if (fault.acts === 0) running?.host.crash()
      else running?.host.crashAfter(fault.acts)
      break
    case 'crash all':
      for (const { host } of crew.running) host.crash()
      clock.after(fault.downMs, () => crew.startMissing())
      break
    case 'leave':
      crew.leave(slot as Slot<Running>)
      startLater(slot as Slot<Running>, fault.downMs)
      break
    case 'pause':
      running?.host.pause()
      clock.after(fault.forMs, () => running?.host.resume())
      break
    case 'cut':
      if (!running) break
      network.cut(running.host)
      clock.after(fault.forMs, () => network.heal(running.host))
      break
    case 'cut log': {
      const log = running?.logs.get(fault.log)
      log?.cut()
      clock.after(fault.forMs, () => log?.heal())
      break
    }
    case 'log away':
      world.away.add(fault.log)
      for (const { logs } of crew.running) logs.get(fault.log)?.cut()
      clock.after(fault.forMs, () => {
        world.away.delete(fault.log)
        for (const { logs } of crew.running) logs.get(fault.log)?.heal()
      })
      break
    case 'appends': {
      const { what: _, forMs, ...faults } = fault
      Object.assign(world.appendFaults, faults)
      const none = { loss: 0, silence: 0, doubling: 0, delay: 0 }
      clock.after(forMs, () => Object.assign(world.appendFaults, none))
      break
    }
    case 'messages': {
      const { what: _, forMs, ...faults } = fault
      Object.assign(network.faults, faults)
      const none = { loss: 0, doubling: 0, delayMsMax: 2 }
      clock.after(forMs, () => Object.assign(network.faults, none))
      break
    }
    case 'join':
      crew.join()
  }
}

/** Nothing goes wrong any more. */
export function makeWell(world: DividedWorld, crew: Places<Connected>): void {
  world.trace.note('everything is well from now on')
  world.calm()
  for (const { host, logs } of crew.running) {
    for (const log of logs.values()) {
      log.heal()
      log.connection.lateMs = () => 0
    }
    world.network.heal(host)
    host.spare()
    host.resume()
  }
}
