import { hotKeysMax } from '@spacegrid/grid/engine/placement/presence-message'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defaultUnitOptions } from '../unit-options.ts'
import { DecayingRate } from './decaying-rate.ts'
import { coolMs, coolPerSecond, HotKeys } from './hot-keys.ts'

const { hotPerSecond } = defaultUnitOptions
const x = { hash: 1, text: 'x' }
const nowhere = () => false
const everywhere = () => true

/** So many a second, for so long; looked at ten times a second. */
function happen(keys: HotKeys, from: number, ms: number, perSecond: number, what = 'collided') {
  const step = 1000 / perSecond
  let lookAt = from
  for (let now = from + step; now <= from + ms; now += step) {
    for (; lookAt <= now; lookAt += 100) keys.look(lookAt, what === 'used' ? everywhere : nowhere)
    if (what === 'used') keys.used(x, now)
    else keys.collided(x, now)
  }
}

describe('a decaying rate', () => {
  test('comes to what happens, and goes to nothing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 2000 }), (perSecond) => {
        const rate = new DecayingRate()
        let now = 0
        for (; now < 8000; now += 1000 / perSecond) rate.add(now)
        expect(rate.perSecond(now) / perSecond).toBeGreaterThan(0.85)
        expect(rate.perSecond(now) / perSecond).toBeLessThan(1.15)
        expect(rate.perSecond(now + 20_000)).toBeLessThan(0.001)
      }),
    )
  })
})

describe('hot keys', () => {
  test('are those that collide often enough', () => {
    const keys = new HotKeys(hotPerSecond)
    happen(keys, 0, 5000, hotPerSecond * 0.7)
    expect(keys.hot(5000).size).toBe(0)
    happen(keys, 5000, 3000, hotPerSecond * 1.5)
    expect([...keys.hot(8000).keys()]).toEqual([x.hash])
  })

  test('the one collision that makes a key hot says so, no other one', () => {
    const keys = new HotKeys(hotPerSecond)
    const said = Array.from({ length: 50 }, () => keys.collided(x, 1000))
    expect(said.indexOf(true)).toBe(hotPerSecond - 1)
    expect(said.filter(Boolean)).toHaveLength(1)
  })

  test('cool down some seconds after it has ended, and are forgotten', () => {
    const keys = new HotKeys(hotPerSecond)
    happen(keys, 0, 1000, 100)
    expect(keys.look(3900, nowhere)).toBe(false)
    let now = 3900
    for (; keys.hot(now).size > 0; now += 100) keys.look(now, nowhere)
    expect(now).toBeGreaterThan(1000 + coolMs)
    expect(now).toBeLessThan(1000 + coolMs + 6000)
    keys.look(now + 10_000, nowhere)
    expect(keys.counted).toBe(0)
  })

  test('stay hot by commands that others would collide with, and only by those', () => {
    const keys = new HotKeys(hotPerSecond)
    happen(keys, 0, 1000, 100)
    happen(keys, 1000, 20_000, 2 * coolPerSecond, 'used')
    expect(keys.hot(21_000).size).toBe(1)
    let now = 21_000
    for (; now < 30_000; now += 100) {
      keys.used(x, now)
      keys.look(now, nowhere)
    }
    expect(keys.hot(now).size).toBe(0)
  })

  test('are hot here as well where others have found them, and commands come in here', () => {
    const keys = new HotKeys(hotPerSecond)
    keys.used(x, 0)
    expect(keys.look(1, everywhere)).toBe(false)
    keys.used(x, 1)
    keys.used(x, 1)
    expect(keys.look(2, everywhere)).toBe(true)
    expect(keys.hot(2).size).toBe(1)
  })

  test('are bounded, those that are counted and those that are told: the hottest', () => {
    const keys = new HotKeys(hotPerSecond)
    for (let hash = 0; hash < 2000; hash++)
      for (let count = 0; count < 10 + (hash % 20); count++)
        keys.collided({ hash, text: `key ${hash}`.padEnd(500) }, 1000)
    expect(keys.counted).toBe(1024)
    const told = keys.hot(1000)
    expect(told.size).toBe(hotKeysMax)
    expect(Math.min(...told.values())).toBeGreaterThan(25)
    expect(keys.figures(1000)[0]!.text.length).toBeLessThan(70)
  })
})
