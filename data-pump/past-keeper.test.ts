import { defineCache, defineSpace, Type } from '@spacegrid/grid/core/define'
import { shapeOf } from '@spacegrid/grid/core/shape'
import { SpaceState } from '@spacegrid/grid/core/space-state'
import { KeptSnapshots } from '@spacegrid/grid/engine/past/kept-snapshots'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import { SimulatedStream } from '@spacegrid/grid/kit/simulated-stream'
import { fateOf } from '@spacegrid/grid/kit/unit-world'
import { expect, test } from 'vitest'
import { PastKeeper } from './past-keeper.ts'

const items = defineCache('items', {
  schema: Type.Object({ id: Type.String(), text: Type.String() }),
  key: 'id',
})
const shape = shapeOf(defineSpace('test', { caches: [items] }))

/** A replica that is changed by hand, its log, and who keeps snapshots of it. */
class Bench {
  readonly clock = new SimulatedClock()
  readonly log = new SimulatedStream(this.clock, { identity: 'log' })
  readonly past = new SimulatedStream(this.clock, { identity: 'past' })
  readonly state = new SpaceState(shape)
  readonly told: string[] = []
  readonly kept = new KeptSnapshots(new SimulatedLog(this.clock, this.past))
  readonly #keeper: PastKeeper

  constructor(pastMs: number, pastBytesMax = 1024 ** 2) {
    this.state.time = this.clock.now()
    this.#keeper = new PastKeeper(
      new SimulatedLog(this.clock, this.past),
      new SimulatedLog(this.clock, this.log),
      this.clock,
      { pastMs, pastBytesMax, snapshotBytesMax: 1024 ** 2 },
      ({ message }) => this.told.push(message),
    )
  }

  /** Some ms later the log has one more record, and the state another entry. */
  change(ms: number, bytes = 10): void {
    const { state } = this
    state.position = this.log.append(new Uint8Array(bytes))
    state.time += ms
    const cache = state.layout.named('items')?.number as number
    const value = { id: `${state.position}`, text: 'x'.repeat(bytes) }
    state.write(cache, value.id, value, state.position, state.position)
  }

  async settled<T>(promise: Promise<T>): Promise<T> {
    const fate = fateOf(promise.then(() => true))
    while (fate.value === undefined && fate.error === undefined) await this.clock.advance(1)
    return await promise
  }

  async look(logIdentity = 'log'): Promise<void> {
    const { state } = this
    const listen = () => () => undefined
    const verify = async () => undefined
    await this.settled(this.#keeper.look({ state, listen, verify }, logIdentity))
  }

  async positions(): Promise<number[]> {
    const { kept } = await this.settled(this.kept.list())
    return kept.map(({ position }) => position)
  }
}

test('snapshots are kept four times in the time, the beginning of the log first, and let go when nobody needs them', async () => {
  const bench = new Bench(400)
  const seen: number[][] = []
  for (let at = 0; at < 12; at++) {
    bench.change(60)
    await bench.look()
    seen.push(await bench.positions())
  }
  expect(seen.slice(0, 5)).toEqual([[0], [2, 0], [2, 0], [4, 2, 0], [4, 2, 0]])
  // 400 ms before position 12 the log was behind position 5: what was there begins at 4.
  expect(seen.at(-1)).toEqual([12, 10, 8, 6, 4])
})

test('where nothing changes nothing is kept', async () => {
  const bench = new Bench(400)
  bench.change(60)
  await bench.look()
  await bench.look()
  expect(await bench.positions()).toEqual([1, 0])
  for (let at = 0; at < 10; at++) {
    bench.state.position = bench.log.append(new Uint8Array(1))
    bench.state.time += 60
    await bench.look()
  }
  expect(await bench.positions()).toEqual([1])
})

test('what was kept is restored as it was, entries that no record takes whole included', async () => {
  const bench = new Bench(400)
  bench.change(60, 3 * 1024 ** 2)
  await bench.look()
  // The room is for less: what is kept is no more than the log's beginning.
  expect(await bench.positions()).toEqual([])
  const roomy = new Bench(400, 1024 ** 3)
  roomy.change(60, 3 * 1024 ** 2)
  await roomy.look()
  await roomy.look()
  const { kept } = await roomy.settled(roomy.kept.list())
  const state = await roomy.settled(roomy.kept.restore(kept[0] as (typeof kept)[0], roomy.clock))
  expect(state.position).toBe(1)
  expect(state.digest.toString()).toBe(roomy.state.digest.toString())
})

test('when log and snapshots outgrow their room the oldest go first, one at a time, and it is told', async () => {
  const bench = new Bench(4000, 20_000)
  for (let at = 0; at < 6; at++) {
    bench.change(1000)
    await bench.look()
  }
  const before = await bench.positions()
  expect(before.length).toBeGreaterThan(3)
  bench.change(1, 20_000)
  await bench.look()
  await bench.look()
  expect(await bench.positions()).toEqual(before.slice(0, -1))
  expect(bench.told).toEqual([expect.stringContaining('PAST_BYTES_MAX (20000)')])
  for (let at = 0; at < 10; at++) {
    await bench.clock.advance(6000)
    await bench.look()
  }
  // And all of them go before what is new has no room.
  expect(await bench.positions()).toEqual([])
})

test('snapshots that find no room are let go, and tried again much later', async () => {
  const bench = new Bench(4000)
  bench.change(1000)
  await bench.look()
  bench.past.full = true
  bench.change(1000)
  await bench.look()
  expect(await bench.positions()).toEqual([])
  expect(bench.told).toHaveLength(1)
  bench.past.full = false
  bench.log.trim(2)
  await bench.look()
  expect(await bench.positions()).toEqual([])
  await bench.clock.advance(5000)
  await bench.look()
  expect(await bench.positions()).toEqual([2])
})

test('a snapshot that was not finished is none, and those of another log are let go', async () => {
  const bench = new Bench(4000)
  bench.change(1000)
  await bench.look()
  await bench.look()
  expect(await bench.positions()).toEqual([1, 0])
  // As if its keeper had died: the end is missing.
  bench.past.loseTail(1)
  expect(await bench.positions()).toEqual([0])
  bench.change(2000)
  await bench.look()
  expect(await bench.positions()).toEqual([2, 0])
  bench.log.replace()
  // The pump ends with the log that it follows; the next one follows the other.
  await bench.look()
  expect(await bench.positions()).toEqual([2, 0])
  bench.state.position = bench.log.append(new Uint8Array(1))
  await bench.look(bench.log.identity)
  expect(await bench.positions()).toEqual([])
  await bench.look(bench.log.identity)
  expect(await bench.positions()).toEqual([0])
})
