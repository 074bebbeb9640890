import type { ProcessTold } from '@spacegrid/grid/doors/admin/process-told'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { expect, test } from 'vitest'
import { GridWatch } from './grid-watch.ts'
import type { Figures } from './heard.ts'
import type { Snapshot } from './snapshot.ts'
import { requests, told } from './test-support/told.ts'

/** A grid of one unit, pump and writer whose log grows by 50 records a second. */
function world() {
  const clock = new SimulatedClock()
  const looks = { started: 0, stopped: 0, asked: 0 }
  let down = false
  const source = {
    start: () => void looks.started++,
    stop: async () => void looks.stopped++,
    processes: (): ProcessTold[] => {
      const second = ++looks.asked
      const position = 50 * second
      const unit = told(
        'shop-1',
        'processing-unit',
        { shop: { position, lag: 0, entries: second, collisions: 2 * second } },
        { requests: requests('shop', [90 * second, 0, 10 * second], { ok: 100 * second }) },
      )
      const published = position - 10
      return [
        ...(down ? [] : [unit]),
        told('data-pump', 'data-pump', { shop: { position, published } as Figures }),
        told('data-writer', 'data-writer', { shop: { position: published - 5 } }),
      ]
    },
  }
  const watch = new GridWatch(source, clock, (error) => {
    throw error
  })
  const seen: Snapshot[] = []
  const kill = () => {
    down = true
  }
  return { clock, looks, watch, seen, kill }
}

test('rates, latencies and queues are those of what lies between two looks', async () => {
  const { clock, watch, seen } = world()
  watch.follow((snapshot) => seen.push(snapshot))
  await clock.advance(3500)
  const { point, spaces, processes, alarms } = seen.at(-1)!
  expect(seen.length).toBe(4)
  expect(point).toMatchObject({ commands: 100, collisions: 2, toPump: 10, toWriter: 5, units: 1 })
  expect(point.p50Ms).toBeLessThan(1)
  expect(point.p99Ms).toBe(10)
  expect(spaces[0]).toMatchObject({ space: 'shop', recordsPerSecond: 50, position: 200 })
  expect(processes.map(({ name }) => name)).toEqual(['shop-1', 'data-pump', 'data-writer'])
  expect(alarms).toEqual([])
})

test('nobody is asked anything while nobody looks', async () => {
  const { clock, looks, watch, seen } = world()
  await clock.advance(5000)
  expect(looks).toEqual({ started: 0, stopped: 0, asked: 0 })
  const leave = watch.follow((snapshot) => seen.push(snapshot))
  const other = watch.follow(() => undefined)
  await clock.advance(1500)
  expect(looks).toMatchObject({ started: 1, asked: 2 })
  leave()
  other()
  await clock.advance(5000)
  expect(looks).toEqual({ started: 1, stopped: 1, asked: 2 })
  // What the charts have shown stays for whoever comes next.
  expect(watch.points.length).toBe(2)
  expect(watch.last).toBeUndefined()
})

test('who says nothing any more is gone, and is forgotten in the end', async () => {
  const { clock, watch, seen, kill } = world()
  watch.follow((snapshot) => seen.push(snapshot))
  await clock.advance(2500)
  kill()
  await clock.advance(5000)
  const { processes, alarms, point } = seen.at(-1)!
  expect(processes[0]).toMatchObject({ name: 'shop-1', state: 'silent', commandsPerSecond: 0 })
  expect(alarms.map(({ id }) => id)).toContain('silent shop-1')
  expect(point.commands).toBe(0)
  await clock.advance(130_000)
  expect(seen.at(-1)!.processes.map(({ name }) => name)).toEqual(['data-pump', 'data-writer'])
})
