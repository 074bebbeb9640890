import { expect, test } from 'vitest'
import { SystemClock } from '../../drivers/system/system-clock.ts'
import { SimulatedLog } from '../../kit/simulated-log.ts'
import {
  changeAt,
  deletionAt,
  logIdentity,
  WindowAuthor,
  windowOf,
} from './test-support/window-author.ts'
import { mergeWindows, takeWindows } from './window-batch.ts'
import { WindowFeed } from './window-feed.ts'

const noPause = () => undefined
const manyChanges = (to: number, count: number) =>
  Array.from({ length: count }, (_, at) => changeAt(to, `key ${at}`))

function feedOf(changes: SimulatedLog, bytesMax?: number): WindowFeed {
  const feed = new WindowFeed(changes, 0, {
    wake: () => undefined,
    ...(bytesMax === undefined ? {} : { bytesMax }),
  })
  feed.start()
  return feed
}

test('windows are taken in order, also those of several records, and never half of one', async () => {
  const changes = new SimulatedLog(new SystemClock(), undefined, { recordBytesMax: 500 })
  const first = new WindowAuthor(changes, 1)
  await first.publish(windowOf(0, 2, manyChanges(2, 100)))
  await first.publish(windowOf(2, 4, manyChanges(4, 100)), 3)
  await new WindowAuthor(changes, 2).publish(windowOf(2, 6, manyChanges(6, 100)))
  const feed = feedOf(changes)
  await expect.poll(() => takeWindows(feed, 0, logIdentity, 1).windows[0]?.to).toBe(2)
  await expect.poll(() => feed.next?.to).toBe(6)
  const { windows } = takeWindows(feed, 2, logIdentity, 1)
  const { changes: merged } = await mergeWindows(windows, noPause)
  expect(merged).toEqual(manyChanges(6, 100))
  await feed.stop()
})

test('a reader that takes nothing leaves the rest in the queue', async () => {
  const changes = new SimulatedLog(new SystemClock())
  const author = new WindowAuthor(changes)
  for (let to = 1; to <= 100; to++) await author.publish(windowOf(to - 1, to))
  const feed = feedOf(changes, 1000)
  await expect.poll(() => feed.bytes).toBeGreaterThanOrEqual(1000)
  expect(feed.bytes).toBeLessThan(1500)
  let reached = 0
  while (reached < 100) {
    await expect.poll(() => feed.next !== undefined, { interval: 1 }).toBe(true)
    reached = feed.take()?.to ?? 0
    expect(feed.bytes).toBeLessThan(1500)
  }
  expect(feed.failure).toBeUndefined()
  await feed.stop()
})

test('what is past is passed over, what is missing is named', async () => {
  const changes = new SimulatedLog(new SystemClock())
  const author = new WindowAuthor(changes)
  const other = windowOf(0, 7)
  await author.publish({
    ...other,
    checkpoint: { ...other.checkpoint, logIdentity: 'the log before' },
  })
  for (const [from, to] of [
    [0, 3],
    [3, 5],
    [8, 9],
    [4, 10],
    [10, 11],
  ] as const)
    await author.publish(windowOf(from, to))
  const feed = feedOf(changes)
  await expect.poll(() => feed.bytes).toBeGreaterThan(0)
  await changes.bounds()
  const taken: number[][] = []
  let position = 4
  for (let look = 0; look < 3; look++) {
    const { windows, gap } = takeWindows(feed, position, logIdentity, 1_000_000)
    taken.push(windows.map(({ to }) => to))
    position = windows.at(-1)?.to ?? position
    if (gap !== undefined) taken.push([-gap])
  }
  // (8, 9] leads on from nothing; (4, 10] begins before where the store is, which does no harm.
  expect(taken).toEqual([[5], [10, 11], []])
  await feed.stop()
})

test('of every key the last outcome remains', async () => {
  const changes = new SimulatedLog(new SystemClock())
  const author = new WindowAuthor(changes)
  await author.publish(windowOf(0, 2, [changeAt(1, 'a'), changeAt(2, 'b')]))
  await author.publish(windowOf(2, 4, [deletionAt(3, 'a'), changeAt(4, 'c')]))
  const feed = feedOf(changes)
  await expect.poll(() => feed.next !== undefined && feed.bytes > 150).toBe(true)
  const { windows } = takeWindows(feed, 0, logIdentity, 1_000_000)
  const batch = await mergeWindows(windows, noPause)
  expect(batch.checkpoint.position).toBe(4)
  expect(new Map(batch.changes.map(({ key, value }) => [key, value]))).toEqual(
    new Map<string, unknown>([
      ['a', undefined],
      ['b', { position: 2 }],
      ['c', { position: 4 }],
    ]),
  )
  await feed.stop()
})

// architecture.md, invariant 8: checked, not trusted.
test('a queue that leaves something out ends the feed, instead of leaving a gap for ever', async () => {
  const changes = new SimulatedLog(new SystemClock())
  const author = new WindowAuthor(changes)
  for (let to = 1; to <= 3; to++) await author.publish(windowOf(to - 1, to))
  changes.seen = (record) => (record.position < 2 ? record : { ...record, position: 3 })
  const feed = feedOf(changes)
  await expect.poll(() => feed.failure).toMatchObject({ code: 'internal' })
  expect(takeWindows(feed, 0, logIdentity, 1_000_000).windows.map(({ to }) => to)).toEqual([1])
  await feed.stop()
})
