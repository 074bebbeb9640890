import { SpaceState } from '@spacegrid/grid/core/space-state'
import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { AuditChannel } from '@spacegrid/grid/engine/agreement/audit-channel'
import type { MendWish } from '@spacegrid/grid/engine/agreement/audit-message'
import { windowOf } from '@spacegrid/grid/engine/changes/test-support/window-author'
import { Life } from '@spacegrid/grid/engine/life/life'
import type { ForeignChange, Store } from '@spacegrid/grid/engine/ports/store'
import { encodeHeader } from '@spacegrid/grid/engine/wire/snapshot-codec'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import { SimulatedStore } from '@spacegrid/grid/kit/simulated-store'
import { SimulatedStream } from '@spacegrid/grid/kit/simulated-stream'
import { afterEach, expect, test } from 'vitest'
import { StoreGuard } from './store-guard.ts'

const messageBytesMax = 20_000

class Bench {
  readonly clock = new SimulatedClock()
  readonly wishes: MendWish[] = []
  readonly stopping = new AbortController()
  readonly guard: StoreGuard
  changed: (change: ForeignChange) => void = () => undefined
  counts = 0
  readonly #channel: AuditChannel

  constructor(position = 3) {
    const { clock } = this
    const state = new SpaceState()
    const [own] = state.layout.shape.caches
    if (!own) throw new Error('a space has caches of its own')
    state.reshape({ caches: [...state.layout.shape.caches, { ...own, name: 'items' }] })
    const checkpoint = {
      ...windowOf(0, 3).checkpoint,
      ...{ position, replicated: encodeHeader(state.header()) },
    }
    const store: Store = Object.assign(new SimulatedStore(), {
      checkpoint: async () => checkpoint,
      watch: (_: string, changed: (change: ForeignChange) => void) => {
        this.changed = changed
        return { stop: async () => undefined }
      },
    })
    const log = new SimulatedLog(clock, new SimulatedStream(clock))
    const messaging = new InProcessMessaging(clock, { messageBytesMax })
    this.#channel = new AuditChannel('test', { log, messaging }, (message) => {
      if (message.kind === 'mend') this.wishes.push(message)
    })
    const life = new Life(clock, this.stopping.signal)
    const isRight = async () => {
      this.counts++
      return true
    }
    this.guard = new StoreGuard(
      'test',
      { store, clock },
      this.#channel,
      life,
      () => undefined,
      isRight,
    )
  }

  async start(): Promise<void> {
    this.#channel.start()
    const identified = this.#channel.identify()
    await this.clock.advance(100)
    await identified
  }
}

let bench: Bench
afterEach(async () => {
  bench.stopping.abort()
  await bench.clock.advance(5000)
})

const keys = Array.from({ length: 3000 }, (_, n) => `${'ü'.repeat(n % 500)}${n}`)
const named = () => bench.wishes.flatMap(({ entries }) => entries.map(([, key]) => key)).sort()

test('more names than a message takes go in several, and whether all is to be compared does not depend on them', async () => {
  bench = new Bench()
  await bench.start()
  bench.guard.wrong(keys.map((key) => ({ cache: 'items', key })))
  await bench.clock.advance(1000)
  expect(named()).toEqual([...keys].sort())
  expect(bench.wishes.filter(({ everywhere }) => everywhere)).toHaveLength(1)
})

test('so do those that were seen to be changed, without one that is too long to be a key', async () => {
  bench = new Bench()
  await bench.start()
  for (const key of [...keys, 'x'.repeat(5000)])
    bench.changed({ what: 'entry', cache: 'items', key })
  await bench.clock.advance(1000)
  expect(named()).toEqual([...keys].sort())
})

test('collections with the space’s name that are no caches of it are nobody’s', async () => {
  bench = new Bench()
  await bench.start()
  bench.changed({ what: 'entry', cache: 'reports', key: 'a' })
  bench.changed({ what: 'cache', cache: 'reports' })
  for (const key of keys)
    for (let n = 0; n < 4; n++)
      bench.changed({ what: 'entry', cache: 'reports', key: `${n}${key}` })
  await bench.clock.advance(10_000)
  expect(bench.wishes).toEqual([])
  expect(bench.counts).toBe(0)
  bench.changed({ what: 'entry', cache: 'items', key: 'a' })
  await bench.clock.advance(1000)
  expect(bench.wishes).toMatchObject([{ entries: [['items', 'a']], caches: [] }])
})

test('what is seen while the store is being written anew is that, and it is not counted', async () => {
  bench = new Bench(-1)
  await bench.start()
  bench.changed({ what: 'entry', cache: 'items', key: 'a' })
  bench.changed({ what: 'cache', cache: 'items' })
  await bench.clock.advance(120_000)
  expect(bench.wishes).toEqual([])
  expect(bench.counts).toBe(0)
})
