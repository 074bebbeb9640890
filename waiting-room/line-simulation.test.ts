import { describe, expect, test } from 'vitest'
import {
  insideShare,
  type SimulatedLineOptions,
  simulateLine,
  withinShare,
} from './test-support/simulated-line.ts'

/** Times as people take them: most about the mean, some much longer. */
const around = (meanMs: number, spread: number) => (random: () => number) => {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return meanMs * Math.exp(spread * normal - (spread * spread) / 2)
}

const onSale = (seed: number, more: Partial<SimulatedLineOptions> = {}): SimulatedLineOptions => ({
  seed,
  seconds: 900,
  arrivals: (second) => (second < 60 ? 200 : 5),
  capacity: () => 60,
  visitMs: around(30_000, 0.5),
  ...more,
})

const seeds = Array.from({ length: 8 }, (_, at) => at + 1)
const sumOf = (run: ReturnType<typeof simulateLine>, field: 'committed' | 'shed', from: number) =>
  run.seconds.slice(from).reduce((sum, second) => sum + second[field], 0)

describe('an on-sale with a line, in virtual time', () => {
  test.each(seeds)('seed %i: the grid is busy, little is turned away', (seed) => {
    const run = simulateLine(onSale(seed))
    const committed = sumOf(run, 'committed', 180)
    const shed = sumOf(run, 'shed', 180)
    expect(committed / (900 - 180)).toBeGreaterThan(0.85 * 60)
    expect(shed / (shed + committed)).toBeLessThan(0.03)
  })

  test.each(seeds)('seed %i: whoever came first comes in first, each once', (seed) => {
    const { admitted } = simulateLine(onSale(seed, { seconds: 300, goneShare: 0.2 }))
    const numbers = admitted.get('general') ?? []
    expect(numbers.length).toBeGreaterThan(1000)
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, at) => at + 1))
  })

  test('nine of ten waits are within 20 % of what was told, once the line has found its pace', () => {
    const told = seeds.flatMap((seed) => simulateLine(onSale(seed)).told)
    const settled = told.filter(({ isSettled }) => isSettled)
    expect(settled.length).toBeGreaterThan(5000)
    expect(withinShare(settled, 0.2)).toBeGreaterThan(0.9)
    // The interval is one that nine of ten lie in, and not simply a wide one.
    expect(insideShare(settled)).toBeGreaterThan(0.9)
    const widths = settled.filter(({ seconds }) => seconds >= 60)
    const wide = widths.filter(({ seconds, from, to }) => (to - from) / seconds > 0.8)
    expect(wide.length / widths.length).toBeLessThan(0.1)
  })

  test.each([
    ['half a minute', {}],
    ['ten seconds', { seconds: 400, capacity: () => 150, visitMs: around(10_000, 0.5) }],
  ])('nine of ten of all waits are, with those told before, of visits of %s', (_, sale) => {
    const told = seeds.flatMap((seed) => simulateLine(onSale(seed, sale)).told)
    expect(withinShare(told, 0.2)).toBeGreaterThan(0.9)
  })

  test('before that nobody waits longer than was told, but for one in ten', () => {
    const told = seeds.flatMap((seed) => simulateLine(onSale(seed)).told)
    const early = told.filter(({ isSettled }) => !isSettled)
    expect(early.length).toBeGreaterThan(500)
    expect(insideShare(early)).toBeGreaterThan(0.9)
  })

  test.each(seeds)('seed %i: a thousand a second are let in where that can be done', (seed) => {
    const run = simulateLine(
      onSale(seed, {
        seconds: 300,
        capacity: () => 3000,
        arrivals: (second) => (second < 60 ? 5000 : 50),
        visitMs: around(8000, 0.5),
      }),
    )
    const moved = run.seconds.slice(90, 300).reduce((sum, one) => sum + one.moved, 0)
    expect(moved / 210).toBeGreaterThan(900)
  })

  test.each(seeds)('seed %i: half the grid goes away, and the line moves half as fast', (seed) => {
    const run = simulateLine(onSale(seed, { capacity: (second) => (second < 300 ? 60 : 30) }))
    const shed = sumOf(run, 'shed', 600)
    const committed = sumOf(run, 'committed', 600)
    expect(committed / 300).toBeGreaterThan(0.8 * 30)
    expect(shed / (shed + committed)).toBeLessThan(0.1)
  })

  test.each(seeds)('seed %i: nobody comes in while nothing is done', (seed) => {
    const run = simulateLine(
      onSale(seed, { capacity: (second) => (second >= 300 && second < 360 ? 0 : 60) }),
    )
    const during = run.seconds.slice(305, 360).reduce((sum, one) => sum + one.moved, 0)
    expect(during).toBe(0)
    const after = run.seconds.slice(480, 600).reduce((sum, one) => sum + one.committed, 0)
    expect(after / 120).toBeGreaterThan(0.7 * 60)
  })

  // Three seconds of every twenty nothing is done at all, from when the line is still filling.
  const killed = (capacity: number) => (second: number) =>
    second >= 10 && (second - 10) % 20 < 3 ? 0 : capacity

  test.each(seeds)('seed %i: it goes on as before when all that was killed is back', (seed) => {
    const sale = { capacity: killed(300), visitMs: around(10_000, 0.5), seconds: 400 }
    const run = simulateLine(
      onSale(seed, { ...sale, arrivals: (second) => (second < 60 ? 500 : 5) }),
    )
    const committed = sumOf(run, 'committed', 100) - sumOf(run, 'committed', 250)
    expect(committed / 150).toBeGreaterThan(0.85 * 0.85 * 300)
  })

  test('nine of ten waits are as they were told, though something is killed every 20 s', () => {
    const sale = { capacity: killed(900), visitMs: around(10_000, 0.5), seconds: 600 }
    const arrivals = (second: number) => (second < 120 ? 500 : 0)
    const room = { insideFirst: 1000 }
    const told = seeds.flatMap(
      (seed) => simulateLine(onSale(seed, { ...sale, arrivals, room })).told,
    )
    const settled = told.filter(({ isSettled }) => isSettled)
    expect(settled.length / told.length).toBeGreaterThan(0.8)
    expect(withinShare(settled, 0.2)).toBeGreaterThan(0.9)
    expect(insideShare(settled)).toBeGreaterThan(0.9)
  })

  test.each(seeds)('seed %i: more units come, and the line moves faster', (seed) => {
    const capacity = (second: number) => (second < 100 ? 75 : 300)
    const sale = { capacity, visitMs: around(10_000, 0.5), seconds: 300 }
    const arrivals = (second: number) => (second < 60 ? 500 : 5)
    const run = simulateLine(onSale(seed, { ...sale, arrivals }))
    expect((sumOf(run, 'committed', 200) - sumOf(run, 'committed', 290)) / 90).toBeGreaterThan(225)
  })

  test.each(seeds)('seed %i: lanes get their shares, and none starves', (seed) => {
    const lanes = [
      { lane: 'accessible', share: 1, isOpen: true },
      { lane: 'fans', share: 3, isOpen: false },
      { lane: 'general', share: 6, isOpen: false },
    ]
    const laneOf = (random: () => number) => {
      const at = random()
      return at < 0.2 ? 'accessible' : at < 0.5 ? 'fans' : 'general'
    }
    const run = simulateLine(onSale(seed, { seconds: 300, room: { lanes }, laneOf }))
    const last = run.seconds.at(-1)?.admitted ?? {}
    const total = Object.values(last).reduce((sum, one) => sum + one, 0)
    expect((last.accessible ?? 0) / total).toBeCloseTo(0.1, 2)
    expect((last.fans ?? 0) / total).toBeCloseTo(0.3, 2)
    expect((last.general ?? 0) / total).toBeCloseTo(0.6, 2)
  })

  test('waits in lanes are told as well as those in one line', () => {
    const lanes = [
      { lane: 'fans', share: 1, isOpen: false },
      { lane: 'general', share: 3, isOpen: false },
    ]
    // The fans are all in before the others: everybody else then moves faster.
    const laneOf = (random: () => number) => (random() < 0.1 ? 'fans' : 'general')
    const told = seeds.flatMap(
      (seed) => simulateLine(onSale(seed, { room: { lanes }, laneOf })).told,
    )
    const settled = told.filter(({ isSettled }) => isSettled)
    for (const lane of ['fans', 'general'])
      expect(
        withinShare(
          settled.filter((one) => one.lane === lane),
          0.2,
        ),
      ).toBeGreaterThan(0.85)
  })
})
