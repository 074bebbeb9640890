import { expect, test } from 'vitest'
import { ranking, scoreOf } from './rendezvous.ts'

const names = Array.from({ length: 20_000 }, (_, at) => `ticketing.${at}`)

const firsts = (candidates: readonly { name: string; weight: number }[]) => {
  const counts = new Map(candidates.map(({ name }) => [name, 0]))
  for (const name of names) {
    const [first] = ranking(candidates, name)
    counts.set(first!.name, (counts.get(first!.name) ?? 0) + 1)
  }
  return counts
}

test('each is the first as often as its weight says', () => {
  const weights = [1, 1, 2, 4]
  const candidates = weights.map((weight, at) => ({ name: `unit-${at}`, weight }))
  for (const [name, count] of firsts(candidates)) {
    const { weight } = candidates.find((it) => it.name === name)!
    expect(count / names.length).toBeCloseTo(weight / 8, 1)
    expect(Math.abs(count - (names.length * weight) / 8)).toBeLessThan(300)
  }
})

test('one that goes changes nothing between the others', () => {
  const candidates = Array.from({ length: 7 }, (_, at) => ({ name: `host-${at}`, weight: 1 + at }))
  for (const name of names.slice(0, 500)) {
    const all = ranking(candidates, name)
    const without = ranking(
      candidates.filter((_, at) => at !== 3),
      name,
    )
    expect(without).toEqual(all.filter(({ name: it }) => it !== 'host-3'))
  }
})

test('units of one machine, whose names differ in a digit, share evenly', () => {
  const candidates = [7001, 7002, 7003, 7004, 7005].map((pid) => ({
    name: `machine-${pid}`,
    weight: 1,
  }))
  for (const count of firsts(candidates).values())
    expect(Math.abs(count - names.length / 5)).toBeLessThan(300)
})

// Whoever computes it elsewhere must find the same.
test('the score is what it is documented to be', () => {
  expect(scoreOf({ name: 'unit-1', weight: 1 }, 'ticketing.7')).toBeCloseTo(1.370735, 6)
})
