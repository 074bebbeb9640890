import { expect, test } from 'vitest'
import type { Point, SpaceView } from './snapshot.ts'

interface Words {
  story(told: object): string
  ms(value: number | null): string
  bytes(value: number | null): string
  rate(value: number): string
  percent(value: number): string
  duration(value: number): string
}
// The page's own modules are plain JavaScript: browsers take them as they are.
const words = (await import('./page/words.js' as string)) as Words

const point: Partial<Point> = { commands: 0, queries: 0, turnedAway: 0, toPump: 0, toWriter: 0 }
const spaces: readonly Partial<SpaceView>[] = [{ unitsReady: 2 }]
const told = (more: object, more2: object = {}) =>
  words.story({ point: { ...point, ...more }, spaces, spike: null, alarms: [], ...more2 })

test('says what is happening', () => {
  expect(told({})).toBe('All is quiet: 2 units ready, nobody asks for anything.')
  expect(told({ queries: 1.4 })).toContain('only this page asks now and then.')
  expect(told({ commands: 800, queries: 20, p50Ms: 2, p99Ms: 18 })).toBe(
    '2 units ready, 800 commands and 20 queries a second. Half of the commands are answered within 2.0 ms, 99 of 100 within 18 ms. Everything that is asked is answered.',
  )
  const spike = { spike: { phase: 'running' } }
  expect(told({ commands: 800, turnedAway: 200, p50Ms: 2, p99Ms: 18 }, spike)).toContain(
    '25 % are turned away at once, so that the others stay quick.',
  )
  expect(told({}, { alarms: [{ level: 'bad' }] })).toContain('Something needs a look.')
  expect(words.story({ point, spaces: [], spike: null, alarms: [] })).toContain('No unit')
})

test('figures are short, and what is not known is a dash', () => {
  expect([words.ms(null), words.ms(0), words.ms(0.4), words.ms(12.4)]).toEqual([
    ...['–', '0 ms', '0.4 ms', '12 ms'],
  ])
  expect([words.bytes(1500), words.bytes(2.5e6), words.bytes(3.21e9)]).toEqual([
    ...['2 kB', '3 MB', '3.2 GB'],
  ])
  expect([words.rate(0), words.rate(1.25), words.rate(1234)]).toEqual(['0', '1.3', '1,234'])
  expect([words.percent(0.004), words.percent(0.5)]).toEqual(['<1 %', '50 %'])
  expect([words.duration(59_000), words.duration(7_200_000)]).toEqual(['59 s', '2 h'])
})
