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
