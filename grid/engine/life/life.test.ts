import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { GridError, isGridError } from '../../core/errors.ts'
import { SimulatedClock } from '../../kit/simulated-clock.ts'
import { Life } from './life.ts'

test('what was waited out keeps nobody from work once the wait has ended, however it ended', async () => {
  const clock = new SimulatedClock()
  const stopping = new AbortController()
  const life = new Life(clock, stopping.signal)
  const failures = [
    new GridError('log_full', 'full'),
    new GridError('log_full', 'full'),
    new GridError('fenced', 'another one was first'),
  ]
  const attempt = () => Promise.reject(failures.shift())
  const ended = life.until(attempt, ({ code }) => code === 'fenced').catch((error) => error)
  await clock.advance(10)
  expect(life.problem).toBe('full')
  await clock.advance(1000)
  expect(isGridError(await ended, 'fenced')).toBe(true)
  expect(life.problem).toBeUndefined()
  life.end()
})

test('a life ends with its component, and one that has ended is forgotten', () => {
  const stopping = new AbortController()
  const lives = [0, 1, 2].map(() => new Life(new SimulatedClock(), stopping.signal))
  lives[0]?.end()
  expect(lives.map(({ signal }) => signal.aborted)).toEqual([true, false, false])
  expect(getEventListeners(stopping.signal, 'abort')).toHaveLength(2)
  stopping.abort(new Error('enough'))
  expect(lives.map(({ signal }) => signal.aborted)).toEqual([true, true, true])
  expect(lives[1]?.signal.reason).toEqual(new Error('enough'))
  expect(new Life(new SimulatedClock(), stopping.signal).signal.aborted).toBe(true)
})
