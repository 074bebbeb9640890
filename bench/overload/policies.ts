import type { Distribution } from '@spacegrid/grid/engine/ports/telemetry'
import type { ProcessingUnitOptions } from '@spacegrid/runtime/processing-unit-options'

/** Who decides whether a command is taken, in front of a unit. */
export interface Policy {
  readonly name: string
  /** Of the unit behind it. */
  readonly unit: ProcessingUnitOptions
  /** Told how long commands have waited in the unit, in seconds. */
  readonly observed?: Distribution
  /** @param user number of the user who asks */
  admits(user: number, now: number): boolean
  /** A command that was taken has been answered. */
  answered(ms: number): void
}

const unbounded = 1_000_000_000
const off = { queueDelayMs: 0, pendingMax: unbounded, pendingBytesMax: unbounded } as const

/** Everything is taken. */
export const noControl = (): Policy => ({
  name: 'no control',
  unit: off,
  admits: () => true,
  answered: () => undefined,
})

/** So many at the same time, the unit's own bound. */
export const fixedLimit = (limit: number): Policy => ({
  name: `fixed limit of ${limit}`,
  unit: { ...off, pendingMax: limit },
  admits: () => true,
  answered: () => undefined,
})

/**
 * As TCP does, on response times: one more after each answer in time, a tenth less after one that
 * took longer than `timeoutMs` (Netflix concurrency-limits, `AIMDLimit`).
 */
export function aimdOnLatency(timeoutMs: number): Policy {
  let limit = 20
  let open = 0
  return {
    name: `AIMD on latency, ${Math.round(timeoutMs)} ms`,
    unit: off,
    admits: () => {
      if (open >= limit) return false
      open++
      return true
    },
    answered: (ms) => {
      if (ms > timeoutMs) limit = Math.max(20, limit * 0.9)
      else if (open * 2 >= limit) limit++
      open--
    },
  }
}

/** Levels that users are divided into. */
const levels = 128

/**
 * Our reading of DAGOR (Zhou et al., "Overload Control for Scaling WeChat Microservices", SoCC
 * 2018, section 4.2), with users' levels and one kind of request: a window is a second or 2,000
 * requests; when what was taken in it has waited for longer than 20 ms on the average, 5 % fewer
 * than were taken are taken in the next, else 1 % more of those who came. The level follows from
 * how many came of each.
 */
export function dagor(): Policy {
  const came = new Array<number>(levels).fill(0)
  let [admitted, incoming, ends] = [0, 0, 0]
  let level = levels
  let [waited, waits] = [0, 0]
  const turn = (now: number) => {
    const isOverloaded = waits > 0 && waited / waits > 0.02
    const wanted = isOverloaded ? admitted * 0.95 : admitted + 0.01 * incoming
    let sum = 0
    level = 0
    while (level < levels && sum + (came[level] as number) <= Math.max(1, wanted))
      sum += came[level++] as number
    came.fill(0)
    admitted = incoming = waited = waits = 0
    ends = now + 1000
  }
  return {
    name: 'DAGOR, as we read it',
    unit: off,
    observed: {
      observe: (seconds) => {
        waited += seconds
        waits++
      },
    },
    admits: (user, now) => {
      if (now >= ends || incoming >= 2000) turn(now)
      incoming++
      const its = user % levels
      came[its] = (came[its] as number) + 1
      if (its >= level) return false
      admitted++
      return true
    },
    answered: () => undefined,
  }
}

/** What units do by themselves. */
export const ours = (queueDelayMs: number): Policy => ({
  name: `Spacegrid, ${queueDelayMs} ms`,
  unit: { queueDelayMs },
  admits: () => true,
  answered: () => undefined,
})
