import { expect, test } from 'vitest'
import { SystemClock } from '../../drivers/system/system-clock.ts'
import { SeededRandom } from '../../kit/seeded-random.ts'
import { SimulatedLog } from '../../kit/simulated-log.ts'
import { findNewestWindow, findOldestFrom, findWindowAfter } from './change-queue.ts'
import { changeAt, WindowAuthor, windowOf } from './test-support/window-author.ts'
import { WindowAssembler } from './window-assembler.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

const smallQueue = () => new SimulatedLog(new SystemClock(), undefined, { recordBytesMax: 500 })

/** Of several records. */
const largeWindow = (from: number, to: number) =>
  windowOf(
    from,
    to,
    Array.from({ length: 60 }, (_, at) => changeAt(to, `key ${at}`)),
  )

test('an empty queue has no window', async () => {
  const changes = smallQueue()
  expect(await findNewestWindow(changes)).toMatchObject({ last: 0, part: undefined })
  expect(await findOldestFrom(changes)).toBeUndefined()
  expect(await findWindowAfter(changes, 10)).toBe(0)
})

test('an unfinished window does not count as published', async () => {
  const changes = smallQueue()
  const author = new WindowAuthor(changes)
  await author.publish(windowOf(0, 5))
  await author.publish(largeWindow(5, 9))
  const last = await author.publish(largeWindow(9, 12), 2)
  expect(await findNewestWindow(changes)).toMatchObject({ last, part: { from: 5, to: 9 } })
  expect(await findOldestFrom(changes)).toBe(0)
  await changes.trim(2)
  expect(await findOldestFrom(changes)).toBe(5)
  // Only the unfinished window is left, or nothing at all.
  await changes.trim(last - 1)
  expect((await findNewestWindow(changes)).part).toBeUndefined()
  await changes.trim(last + 1)
  expect(await findNewestWindow(changes)).toMatchObject({ last, part: undefined })
})

// From wherever the store is, reading must begin early enough to lead on from there.
test(`the way on from any position is found, seed ${seed}`, async () => {
  const random = new SeededRandom(seed)
  for (let round = 0; round < 5; round++) {
    const changes = smallQueue()
    const author = new WindowAuthor(changes)
    let to = 0
    const ends = [0]
    for (let number = random.below(30); number >= 0; number--) {
      const from = to
      to += 1 + random.below(5)
      const window = random.chance(0.3) ? largeWindow(from, to) : windowOf(from, to)
      if (random.chance(0.2)) {
        await author.publish(largeWindow(from, to), 1 + random.below(3))
        // Another pump goes on from where the last whole window ended.
        to = from + 1 + random.below(5)
        await author.publish(windowOf(from, to))
      } else await author.publish(window)
      ends.push(to)
    }
    const trimmed = ends[random.below(ends.length)] as number
    await changes.trim((await findWindowAfter(changes, trimmed)) + 1)
    for (let position = trimmed; position < to; position += 1 + random.below(10)) {
      const after = await findWindowAfter(changes, position)
      expect(firstBeyond(changes, after, position)?.from).toBeLessThanOrEqual(position)
    }
  }
})

/** The first whole window behind a place in the queue that ends beyond a position. */
function firstBeyond({ stream }: SimulatedLog, after: number, position: number) {
  const assembler = new WindowAssembler()
  for (let at = after + 1; at <= stream.last; at++) {
    const window = assembler.add(at, stream.read(at)?.data as Uint8Array)
    if (window && window.to > position) return window
  }
  return undefined
}
