import { expect, test } from 'vitest'
import { GridError } from '../../core/errors.ts'
import { SimulatedClock } from '../../kit/simulated-clock.ts'
import type { Life } from './life.ts'
import { Lives, type LivesOptions } from './lives.ts'

/** Lives that fail at once, with what `failures` has; the time at which each began. */
function failing(failures: readonly string[], options: LivesOptions = {}) {
  const clock = new SimulatedClock()
  const told: string[] = []
  const begun: number[] = []
  const lives = new Lives(clock, ({ message }) => told.push(message), options)
  lives.start(async (life: Life) => {
    const failure = failures[begun.length]
    begun.push(clock.monotonic())
    if (failure !== undefined) throw new GridError('log_unavailable', failure)
    await life.sleep(1_000_000)
  })
  return { clock, lives, told, begun }
}

test('behind every life there is a pause, and the same failure is told once', async () => {
  const { clock, lives, told, begun } = failing(['a', 'a', 'b'])
  await clock.advance(10_000)
  expect(begun).toEqual([0, 500, 1000, 1500])
  expect(told).toEqual(['starts again: a', 'starts again: b'])
  expect(lives.readiness(() => undefined)).toEqual({ ready: false, reason: 'b' })
  const stopped = lives.stop()
  expect(lives.stopping).toBe(true)
  await stopped
})

test('a role may say for itself what is told, and how long it pauses', async () => {
  const ends: (string | undefined)[] = []
  const { clock, lives, told, begun } = failing(['a', 'b'], {
    tell: ({ failure }) => ends.push(failure?.message),
    pauseMs: () => (ends.length === 1 ? 0 : 2000),
  })
  await clock.advance(10_000)
  expect(begun).toEqual([0, 0, 2000])
  expect(ends).toEqual(['a', 'b'])
  expect(told).toEqual([])
  await lives.stop()
})
