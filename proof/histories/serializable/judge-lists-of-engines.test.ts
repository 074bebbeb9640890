import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { expect, test } from 'vitest'
import { judgeLists } from './judge-lists.ts'
import { type Isolation, ListEngine } from './list-engine.ts'

const first = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const seeds = Array.from({ length: 40 }, (_, at) => first + at)

/** Whatever is found in any of the histories. */
function found(isolation: Isolation): Set<string> {
  const anomalies = new Set<string>()
  for (const seed of seeds) {
    const { history } = new ListEngine(isolation, new SeededRandom(seed))
    for (const { anomaly } of judgeLists(history).findings) anomalies.add(anomaly)
  }
  return anomalies
}

test(`what a strictly serializable engine does is clean (SEED=${first})`, () => {
  for (const seed of seeds) {
    const { history } = new ListEngine('strict serializability', new SeededRandom(seed))
    expect({ seed, findings: judgeLists(history).findings }).toEqual({ seed, findings: [] })
    // Otherwise it would have been looked at without what it knows least of.
    expect(history.some(({ outcome }) => outcome === 'unknown')).toBe(true)
  }
})

test(`a serializable engine is caught by real time alone (SEED=${first})`, () => {
  const anomalies = found('serializability')
  expect(anomalies).toContain('G-single-realtime')
  const expected = ['G-single-realtime', 'G2-realtime', 'lost-append']
  expect(expected).toEqual(expect.arrayContaining([...anomalies]))
})

test(`an engine with snapshot isolation is caught by its write skew alone (SEED=${first})`, () => {
  const anomalies = found('snapshot isolation')
  expect(anomalies).toContain('G2')
  expect(['G2', 'G2-realtime']).toEqual(expect.arrayContaining([...anomalies]))
})

test(`an engine without isolation is caught by everything (SEED=${first})`, () => {
  const expected = ['G0', 'G1c', 'G-single', 'internal', 'intermediate-read']
  expect([...found('none')]).toEqual(expect.arrayContaining(expected))
})
