import { expect, it } from 'vitest'
import { seededRandom } from '../random.ts'
import { eventOf } from './ticketing.ts'

const ids = ['hot', 'b', 'c', 'd', 'e']
const drawn = 20_000

it('gives the hot event its share of the users, and the others equal ones', () => {
  const random = seededRandom(7)
  const users = new Map<string, number>()
  for (let user = 0; user < drawn; user += 1) {
    const eventId = eventOf(random, ids, 0.6)
    users.set(eventId, (users.get(eventId) ?? 0) + 1)
  }
  const share = (eventId: string): number => (users.get(eventId) ?? 0) / drawn
  expect(share('hot')).toBeCloseTo(0.6, 1)
  for (const eventId of ids.slice(1)) expect(share(eventId)).toBeCloseTo(0.1, 1)
})

it('draws nothing where there is one event: users do what they did before there were several', () => {
  const random = seededRandom(7)
  expect(eventOf(random, ['only'], 0)).toBe('only')
  expect(random()).toBe(seededRandom(7)())
})
