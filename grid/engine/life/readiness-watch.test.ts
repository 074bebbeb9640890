import { expect, test } from 'vitest'
import { SimulatedClock } from '../../kit/simulated-clock.ts'
import type { Readiness } from './readiness.ts'
import { ReadinessWatch } from './readiness-watch.ts'

function watching() {
  const clock = new SimulatedClock()
  const lines: string[] = []
  let readiness: Readiness = { ready: true }
  const watched = { readiness: () => readiness }
  const watch = new ReadinessWatch(clock, watched, ({ level, message }) =>
    lines.push(`${level}: ${message}`),
  )
  watch.start()
  return {
    lines,
    clock,
    watch,
    is: (reason?: string) => {
      readiness = reason === undefined ? { ready: true } : { ready: false, reason }
    },
  }
}

test('each cause is told once within a second or two, whatever it counts, and its end once', async () => {
  const { lines, clock, watch, is } = watching()
  await clock.advance(10_000)
  expect(lines).toEqual([])
  is('the store is at 17')
  await clock.advance(1500)
  expect(lines).toEqual(['warn: not ready: the store is at 17'])
  for (let at = 18; at < 60; at++) {
    is(`the store is at ${at}`)
    await clock.advance(1000)
  }
  expect(lines).toHaveLength(1)
  is('another cause')
  await clock.advance(1500)
  is('the store is at 60')
  await clock.advance(5000)
  is()
  await clock.advance(1000)
  expect(lines.slice(1)).toEqual([
    'warn: not ready: another cause',
    'info: ready again, after 50 s',
  ])
  is('another cause')
  await clock.advance(1500)
  expect(lines.at(-1)).toBe('warn: not ready: another cause')
  expect(lines).toHaveLength(4)
  watch.stop()
})

test('what passes at once, and an ordinary start, is not told; a start that lasts is', async () => {
  const { lines, clock, watch, is } = watching()
  is('the log is elsewhere')
  await clock.advance(500)
  is()
  await clock.advance(500)
  is('rehydrating from reader: 10 entries')
  await clock.advance(4000)
  expect(lines).toEqual([])
  await clock.advance(3000)
  expect(lines).toEqual(['warn: not ready: rehydrating from reader: 10 entries'])
  is('stopping')
  await clock.advance(3000)
  expect(lines).toHaveLength(1)
  watch.stop()
})

test('causes without end are no flood', async () => {
  const { lines, clock, watch, is } = watching()
  for (let n = 0; n < 200; n++) {
    is(`cause ${String.fromCodePoint(0x4e00 + n)}`)
    await clock.advance(1500)
  }
  expect(lines).toHaveLength(20)
  watch.stop()
})
