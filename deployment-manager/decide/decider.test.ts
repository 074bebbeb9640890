import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { describe, expect, test } from 'vitest'
import { actsOf, type FleetOptions, runFleet, turnsOf } from './test-support/simulated-fleet.ts'
import { streamSpike } from './test-support/stream-spike.ts'

const flat = (perSecond: number, seconds: number) => Array<number>(seconds).fill(perSecond)
const ramp = (from: number, to: number, seconds: number) =>
  Array.from({ length: seconds }, (_, at) => from + ((to - from) * at) / seconds)
const sawtooth = (low: number, high: number, periodSeconds: number, periods: number) =>
  Array.from({ length: periods }, () => [
    ...ramp(low, high, periodSeconds / 2),
    ...ramp(high, low, periodSeconds / 2),
  ]).flat()
/** As arrivals are: of a mean there come some more or less. */
function noisy(arrivals: readonly number[], seed: number): number[] {
  const random = new SeededRandom(seed)
  const normal = () => Array.from({ length: 12 }, () => random.below(1000) / 1000 - 0.5)
  return arrivals.map((mean) => {
    const deviation = normal().reduce((one, other) => one + other, 0) * Math.sqrt(mean)
    return Math.max(0, Math.round(mean + deviation))
  })
}

const shedSeconds = (shed: readonly number[]) => shed.filter((share) => share > 0).length
const most = (counts: readonly number[]) => Math.max(...counts)
const causesOf = (run: ReturnType<typeof runFleet>) =>
  new Set(run.decisions.map(({ decision }) => decision.cause))
const whyOf = (run: ReturnType<typeof runFleet>, cause: string) =>
  run.decisions.find(({ decision }) => decision.cause === cause)?.decision.why

describe('recorded and made traces', () => {
  test('the recorded spike: one unit grows before anybody is turned away, and shrinks again', () => {
    const run = runFleet(streamSpike)
    expect(run.shedShare).toBeLessThan(0.001)
    expect(most(run.ready)).toBeGreaterThanOrEqual(4)
    expect(most(run.ready)).toBeLessThanOrEqual(6)
    expect(run.ready.at(-1)).toBeLessThanOrEqual(3)
    // Once out and once in, with what it learns on the way.
    expect(turnsOf(run), actsOf(run).join('\n')).toBeLessThanOrEqual(2)
  })

  test('the same with five times the users', () => {
    const run = runFleet(
      streamSpike.map((count) => 5 * count),
      { settings: { unitsMax: 64 }, partitions: 64, unitsAtStart: 3 },
    )
    expect(run.shedShare).toBeLessThan(0.001)
    expect(turnsOf(run), actsOf(run).join('\n')).toBeLessThanOrEqual(3)
  })

  test('a flash crowd, ten times as many from one second to the next', () => {
    const run = runFleet([...flat(50, 60), ...flat(500, 300), ...flat(40, 400)])
    // 1, 4, 10: each 5 s until they serve, and 3 s to see what they give.
    expect(shedSeconds(run.shed), actsOf(run).join('\n')).toBeLessThanOrEqual(25)
    expect(shedSeconds(run.shed.slice(90))).toBe(0)
    expect(turnsOf(run)).toBe(1)
    expect(run.ready.at(-1)).toBe(1)
  })

  test('two peaks shortly after each other meet the same units', () => {
    const peak = [...ramp(50, 400, 60), ...flat(400, 60), ...ramp(400, 50, 30)]
    const run = runFleet([...flat(50, 30), ...peak, ...flat(50, 60), ...peak, ...flat(50, 300)])
    expect(run.shedShare).toBe(0)
    expect(turnsOf(run), actsOf(run).join('\n')).toBe(1)
  })

  test('a slow ramp: nobody is turned away', () => {
    const run = runFleet([...ramp(20, 800, 1200), ...flat(800, 60)])
    expect(run.shedShare).toBe(0)
    expect(turnsOf(run)).toBe(0)
    expect(run.unitSeconds).toBeLessThan(2.5 * run.ready.length * 5)
  })

  test.each([20, 60, 120])('teeth of %i s: they are not followed down', (period) => {
    const run = runFleet(sawtooth(50, 350, period, Math.ceil(1200 / period)))
    expect(turnsOf(run), actsOf(run).join('\n')).toBe(0)
    // The first of the steepest comes sooner than a unit can.
    expect(shedSeconds(run.shed)).toBeLessThanOrEqual(12)
    expect(shedSeconds(run.shed.slice(period + 10))).toBe(0)
  })

  test('a load that stays as it is changes nothing, whatever chance does', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const run = runFleet(noisy(flat(150, 1200), seed), { unitsAtStart: 3 })
      expect(turnsOf(run), `seed ${seed}: ${actsOf(run).join('\n')}`).toBe(0)
    }
  })
})

test('traces that nobody has thought of: bounded shedding, bounded turns, by the hundred', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const random = new SeededRandom(seed)
    const pieces = Array.from({ length: 6 }, () => {
      const [from, to] = [20 + random.below(600), 20 + random.below(600)]
      return random.below(3) === 0
        ? flat(from, 60 + random.below(120))
        : ramp(from, to, 30 + random.below(200))
    })
    const run = runFleet(noisy(pieces.flat(), seed), { startSeconds: 2 + random.below(8) })
    const told = () => `seed ${seed}\n${actsOf(run).join('\n')}`
    // Between pieces it may jump from anywhere to anywhere, and a unit takes up to 10 s to come.
    expect(shedSeconds(run.shed), told()).toBeLessThanOrEqual(6 * 25)
    expect(run.shedShare, told()).toBeLessThan(0.15)
    expect(turnsOf(run), told()).toBeLessThanOrEqual(8)
    expect(most(run.ready), told()).toBeLessThanOrEqual(16)
  }
})

describe('units that would not help', () => {
  const busy = 0.2
  /** Commands wait, whatever the units do. */
  const waits = (log: object, unit: object = {}): FleetOptions => ({
    unitsAtStart: 2,
    shows: (signals) => ({
      ...signals,
      busy,
      ...unit,
      logs: signals.logs.map((its) => ({ ...its, delayMs: 60, shedPerSecond: 5, ...log })),
    }),
  })
  const load = flat(100, 60)

  test('the log is slow, and the network is not: the disk', () => {
    const run = runFleet(load, { ...waits({ tripMs: 80, tripMsLeast: 2 }), natsTripMs: 0.5 })
    expect(actsOf(run)).toEqual([])
    expect(whyOf(run, 'disk_bound')).toContain('takes 80 ms instead of 2')
    expect(whyOf(run, 'disk_bound')).toContain('disk of NATS')
  })

  test('the log is slow, and so is every message', () => {
    const run = runFleet(load, { ...waits({ tripMs: 80, tripMsLeast: 2 }), natsTripMs: 60 })
    expect(actsOf(run)).toEqual([])
    expect(causesOf(run)).toContain('log_bound')
  })

  test('the log is slow because the units are busy: they help', () => {
    const run = runFleet(load, waits({ tripMs: 80, tripMsLeast: 2 }, { busy: 0.9 }))
    expect(actsOf(run)[0]).toContain('scale_out')
  })

  test('the log is slow, but what waits are long queries: they help', () => {
    const run = runFleet(load, waits({ tripMs: 80, tripMsLeast: 2, queriesWaiting: 9 }))
    expect(actsOf(run)[0]).toContain('scale_out')
  })

  test('one partition is hot', () => {
    const run = runFleet(load, {
      unitsAtStart: 3,
      shows: (unit, at) => ({
        ...unit,
        busy: at === 0 ? 1 : 0.2,
        logs: [1, 2, 3].map((partition) => ({
          ...(unit.logs[0] as (typeof unit.logs)[number]),
          logName: `shop.${at * 3 + partition}`,
          answeredPerSecond: at === 0 && partition === 2 ? 90 : 10,
          shedPerSecond: at === 0 && partition === 2 ? 50 : 0,
          delayMs: at === 0 && partition === 2 ? 40 : 1,
        })),
      }),
    })
    expect(actsOf(run)).toEqual([])
    expect(whyOf(run, 'hot_partition')).toMatch(/88 % of what shop-1 is asked is partition shop\.2/)
  })

  test.each([
    ['hot_key', 3],
    ['uneven', 0],
  ])('only one has too much to do: %s', (cause, hotKeys) => {
    const run = runFleet(flat(250, 60), {
      ...{ unitsAtStart: 4, partitions: 1 },
      shows: (unit, at) => ({
        ...unit,
        busy: at === 2 ? 1 : 0.3,
        logs: unit.logs.map((log) => ({
          ...log,
          hotKeys,
          shedPerSecond: at === 2 ? 20 : 0,
          delayMs: at === 2 ? 60 : 1,
        })),
      }),
    })
    expect(actsOf(run)).toEqual([])
    expect(whyOf(run, cause)).toContain('only shop-3 has too much to do')
  })

  test('as many units as partitions', () => {
    const run = runFleet(flat(900, 120), { partitions: 4 })
    expect(most(run.ready)).toBe(4)
    expect(causesOf(run)).toContain('no_partition_left')
  })

  test('every unit melds everything: some help, then none does', () => {
    // 31,000 commands a second in one unit, of which 8.6 µs each are melding (docs/scale.md).
    const capacity = (units: number) => (units * 1e6) / (23.9 + units * 8.6)
    const run = runFleet(ramp(1000, 200_000, 600), { capacity, partitions: 1 })
    expect(most(run.ready)).toBeGreaterThanOrEqual(2)
    expect(most(run.ready)).toBeLessThanOrEqual(6)
    expect(whyOf(run, 'undivided')).toContain('every unit melds all')
  })

  test('the machine has no idle core left', () => {
    const run = runFleet(flat(300, 60), { idleCores: 0.1, settings: { idleCoresMin: 0.25 } })
    expect(actsOf(run)).toEqual([])
    expect(whyOf(run, 'machine_full')).toContain('0.1 cores are idle')
  })

  test('the last one has given nothing, whatever the reason: it was the last', () => {
    const run = runFleet(flat(500, 200), { capacity: () => 100 })
    expect(actsOf(run)).toHaveLength(1)
    expect(whyOf(run, 'no_gain')).toMatch(/4 units did 100 commands a second, and 1 did 100/)
  })
})

describe('limits', () => {
  test('never more than the most, never fewer than the least', () => {
    const settings = { unitsMin: 2, unitsMax: 3 }
    const run = runFleet([...flat(900, 120), ...flat(1, 400)], { settings, unitsAtStart: 1 })
    expect(most(run.ready)).toBe(3)
    expect(Math.min(...run.ready.slice(10))).toBe(2)
    expect(causesOf(run)).toContain('maximum')
  })

  test('what units cost has an end', () => {
    const settings = { unitHoursMax: 2, scaleInAfterMs: 30_000 }
    const run = runFleet(flat(700, 3600), { settings })
    // Two, and then the one that there always is.
    expect(run.unitSeconds / 3600).toBeLessThan(3)
    expect(causesOf(run)).toContain('budget')
    expect(run.ready.at(-1)).toBe(1)
  })

  test('a sale that is known of finds its units there', () => {
    const at = 1_700_000_000_000 + 300_000
    const schedule = [{ at, units: 8, aheadMs: 60_000, forMs: 120_000 }]
    const run = runFleet([...flat(20, 300), ...flat(450, 100), ...flat(20, 400)], {
      settings: { schedule },
    })
    expect(run.shedShare).toBe(0)
    expect(run.ready[239]).toBe(1)
    expect(run.ready[250]).toBe(8)
    expect(whyOf(run, 'schedule')).toContain('60 s ahead')
    expect(run.ready.at(-1)).toBe(1)
  })

  test('units that do not come are asked for again, ever more seldom, and no others with them', () => {
    const run = runFleet(flat(300, 600), { comes: false })
    const acts = actsOf(run)
    expect(acts[0]).toContain('scale_out')
    expect(acts.filter((act) => act.includes('replace')).length).toBeGreaterThan(3)
    expect(acts.length).toBeLessThan(20)
    expect(causesOf(run)).toContain('ended')
  })

  test('who hears nothing does nothing, and says so', () => {
    const run = runFleet(flat(300, 60), { unitsAtStart: 2, speaks: () => false })
    expect(actsOf(run)).toEqual([])
    expect(whyOf(run, 'unknown')).toBe('none of 2 units says how it fares')
  })

  test('while one is silent none is taken away', () => {
    const quiet = [...flat(250, 60), ...flat(10, 400)]
    const run = runFleet(quiet, { unitsAtStart: 4, speaks: (at) => at > 0 })
    expect(Math.min(...run.ready)).toBe(4)
  })
})
