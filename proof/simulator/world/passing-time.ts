import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'

/**
 * Every promise that can settle does, before this one: Node's queue of ticks waits for that of
 * microtasks to be empty.
 */
export const settled = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))

/** Lets time pass until the condition holds; false when it does not within `msMax`. */
export async function passes(
  clock: SimulatedClock,
  condition: () => boolean,
  msMax: number,
): Promise<boolean> {
  const end = clock.monotonic() + msMax
  let over = false
  clock.after(msMax, () => {
    over = true
  })
  await settled()
  while (!condition()) {
    if (over || !clock.runNext(end)) return condition()
    await settled()
  }
  return true
}

/** A server's own clock, ahead of the others. */
export const clockAhead = (clock: Clock, aheadMs: () => number): Clock => ({
  now: () => Math.floor(clock.now() + aheadMs()),
  monotonic: () => clock.monotonic(),
  worked: () => clock.worked(),
  after: (ms, callback) => clock.after(ms, callback),
  soon: (callback) => clock.soon(callback),
})
