import { performance } from 'node:perf_hooks'

/**
 * How long the event loop of this process has worked since the process began, and how long it has
 * waited for something to do; ms. What lies between two looks tells how busy it was: time in which
 * it wanted the processor, whether it got it or not, which a share of the processor does not tell.
 */
export function eventLoopTimes(): { readonly busyMs: number; readonly idleMs: number } {
  const { active, idle } = performance.eventLoopUtilization()
  return { busyMs: active, idleMs: idle }
}
