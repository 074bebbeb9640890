import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { fateOf } from '@spacegrid/grid/kit/unit-world'
import { expect, test } from 'vitest'
import { Turns } from './turns.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 30))

const start = () => {
  const clock = new SimulatedClock()
  const turns = new Turns(clock)
  const take = (id: string, keys: readonly number[]) => fateOf(turns.take(id, keys, 1000))
  return { clock, turns, take }
}

test('whoever has nobody before it over any of its keys has its turn at once', async () => {
  const { clock, take } = start()
  const all = [take('a', [1, 2]), take('b', [3]), take('c', [2, 3])]
  await clock.advance(1)
  expect(all.map(({ value }) => value)).toEqual(['yours', 'yours', undefined])
})

test('turns go on in the order in which they were asked for, all keys at once', async () => {
  const { clock, turns, take } = start()
  take('a', [1, 2])
  const b = take('b', [2, 3])
  const c = take('c', [3])
  turns.end('a')
  await clock.advance(1)
  expect([b.value, c.value]).toEqual(['yours', undefined])
  turns.end('b')
  await clock.advance(1)
  expect(c.value).toBe('yours')
})

test('who asks again has kept its place; who does not come again makes room', async () => {
  const { clock, turns, take } = start()
  take('a', [1])
  const b = take('b', [1])
  let c = take('c', [1])
  for (let asked = 0; asked < 4; asked++) {
    await clock.advance(1000)
    // b has had its answer, and does not ask again.
    expect([b.value, c.value]).toEqual(['later', 'later'])
    take('a', [1])
    c = take('c', [1])
  }
  turns.end('a')
  await clock.advance(1)
  expect(c.value).toBe('yours')
})

test('a turn that nobody ends is over after a while: its owner may be dead', async () => {
  const { clock, take } = start()
  take('a', [1])
  await clock.advance(2000)
  const b = take('b', [1])
  await clock.advance(600)
  expect(b.value).toBe('yours')
})

test('too many do not wait', async () => {
  const { clock, turns, take } = start()
  for (let n = 0; n < 10_000; n++) take(`t${n}`, [1])
  expect(turns.waiting).toBe(9999)
  const one = take('one too many', [2])
  await clock.advance(1)
  expect(one.value).toBe('never')
  turns.end('t0')
  const another = take('another', [2])
  await clock.advance(1)
  expect(another.value).toBe('yours')
})

test(`no two over one key have their turn at once, and everybody has one: seed ${seed}`, async () => {
  const { clock, turns } = start()
  const random = new SeededRandom(seed)
  const busy = new Set<number>()
  let done = 0
  const one = async (id: string) => {
    const keys = [...new Set(Array.from({ length: 1 + random.below(4) }, () => random.below(8)))]
    while ((await turns.take(id, keys, 1 + random.below(30))) !== 'yours');
    for (const key of keys) {
      expect(busy.has(key)).toBe(false)
      busy.add(key)
    }
    await new Promise<void>((resolve) => clock.after(random.below(20), resolve))
    for (const key of keys) busy.delete(key)
    turns.end(id)
    done++
  }
  const all: Promise<void>[] = []
  for (let n = 0; n < 300; n++) {
    all.push(one(`t${n}`))
    await clock.advance(random.below(10))
  }
  while (done < 300) await clock.advance(10)
  await Promise.all(all)
  expect(turns.waiting).toBe(0)
})
