import { expect, test } from 'vitest'
import { FrameKind } from '../../core/frame.ts'
import { Melder } from '../../core/meld.ts'
import { initialShape, type SpaceShape } from '../../core/shape.ts'
import { SpaceState } from '../../core/space-state.ts'
import { type KeyRead, type Step, StepKind, type TransactionRecord } from '../../core/steps.ts'
import { collect } from '../../core/view.ts'
import { SeededRandom } from '../../kit/seeded-random.ts'
import { SimulatedClock } from '../../kit/simulated-clock.ts'
import { SimulatedLog } from '../../kit/simulated-log.ts'
import { SimulatedStream } from '../../kit/simulated-stream.ts'
import {
  decodeFrame,
  decodeTransactions,
  encodeFrame,
  encodeInPieces,
} from '../wire/frame-codec.ts'
import { Replica } from './replica.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

const items = initialShape.caches.length
const itemShape = {
  name: 'items',
  key: 'id',
  indexes: [{ name: 'byRank', fields: ['rank'] }],
  expiry: undefined,
}
const shape: SpaceShape = { caches: [...initialShape.caches, itemShape] }

/** Each look at the time finds a millisecond gone: a slice is a few pieces. */
class BusyClock extends SimulatedClock {
  #looks = 0

  override monotonic(): number {
    return super.monotonic() + ++this.#looks
  }
}

const put = (id: string, rank: number): Step => ({
  kind: StepKind.put,
  cache: items,
  key: id,
  value: { id, rank },
})
const remove = (id: string): Step => ({ kind: StepKind.delete, cache: items, key: id })

const transaction = (number: number, steps: Step[], more: Partial<TransactionRecord> = {}) => ({
  number,
  steps,
  reads: [],
  ranges: [],
  events: [],
  notBefore: 0,
  ...more,
})

const whole = <T>(work: Generator<void, T>): T => {
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
  }
}

/**
 * A log in which one origin writes, a replica that follows it in slices, and what melding it in one
 * go comes to.
 */
class World {
  readonly clock = new BusyClock()
  readonly stream = new SimulatedStream(this.clock)
  readonly replica = new Replica(new SimulatedLog(this.clock, this.stream), new SpaceState(shape), {
    clock: this.clock,
  })
  readonly #reference = new SpaceState(shape)
  readonly #melder = new Melder(this.#reference, decodeTransactions)
  /** What a query may see, by position. */
  readonly #legal = new Map<number, string>()
  #frames = 0

  constructor() {
    this.#legal.set(0, seenIn(this.#reference))
    this.#append(encodeFrame({ kind: FrameKind.join, unit: 'unit', nonce: 1 }))
    this.replica.start()
  }

  small(record: TransactionRecord): void {
    const frame = { kind: FrameKind.transactions, ...this.#link(), transactions: [record] } as const
    this.#append(encodeFrame({ ...frame, parts: 0 }))
  }

  large(record: TransactionRecord, parts = 3): void {
    const bytes = whole(encodeInPieces(record))
    const size = Math.ceil(bytes.byteLength / parts)
    for (let at = 0; at < bytes.byteLength; at += size)
      this.#append(
        encodeFrame({
          kind: FrameKind.part,
          ...this.#link(),
          bytes: bytes.subarray(at, at + size),
        }),
      )
    const frame = {
      kind: FrameKind.transactions,
      ...this.#link(),
      transactions: [],
      parts,
    } as const
    this.#append(encodeFrame(frame))
  }

  /**
   * Runs one callback; what can be read behind it must be a state of the log. Returns false when
   * there is none left.
   */
  step(): boolean {
    const more = this.clock.runNext()
    const { state, failure } = this.replica
    expect(failure).toBeUndefined()
    expect(seenIn(state)).toBe(this.#legal.get(state.position))
    return more
  }

  finish(): void {
    while (this.step());
    expect(this.replica.state.position).toBe(this.stream.last)
  }

  #link() {
    const id = ++this.#frames
    return { origin: 1, id, previous: id - 1, deadline: 1e9 }
  }

  #append(data: Uint8Array): void {
    const position = this.stream.append(data)
    const time = this.stream.read(position)?.time ?? 0
    this.#melder.meld(decodeFrame(data), position, time)
    this.#legal.set(position, seenIn(this.#reference))
  }
}

/** All that queries, snapshots and digests can show of a state. */
function seenIn(state: SpaceState): string {
  const entries = [...state.cache(items).entries.values()]
    .map(({ key, value, version, position }) => [key, value, version, position])
    .sort(([a], [b]) => String(a).localeCompare(String(b)))
  const ranked = collect(state, items, 0, {}).map(({ key, value }) => [key, value])
  const { digest, entryCount, time } = state
  return JSON.stringify([entries, ranked, digest.toString(), entryCount, time])
}

const ids = (count: number) => Array.from({ length: count }, (_, n) => `id ${n}`)

test('a query between two slices sees the state before a large transaction, then all of it', () => {
  const world = new World()
  world.small(transaction(1, [put('id 3', 1), put('other', 2)]))
  while (world.replica.state.position < world.stream.last) world.step()
  world.large(transaction(2, [...ids(3000).map((id, n) => put(id, n % 50)), remove('other')]))
  let turns = 0
  while (world.replica.state.position < world.stream.last) {
    world.step()
    turns++
  }
  // Parts, and slices: far more turns than records.
  expect(turns).toBeGreaterThan(15)
  expect(world.replica.state.cache(items).entries.size).toBe(3000)
})

test('what has come behind a large transaction follows it, in order', () => {
  const world = new World()
  world.large(
    transaction(
      1,
      ids(2000).map((id) => put(id, 1)),
    ),
  )
  for (let number = 2; number < 12; number++)
    world.small(transaction(number, [put('id 1', number)]))
  world.large(
    transaction(
      12,
      ids(1000).map((id) => remove(id)),
    ),
  )
  world.small(transaction(13, [put('id 7', 7)]))
  world.finish()
  expect(world.replica.state.cache(items).entries.size).toBe(1001)
})

test.each<[string, Partial<TransactionRecord>]>([
  ['has collided', { reads: [{ cache: items, key: 'id 1', version: 5 } satisfies KeyRead] }],
  ['comes before its time', { notBefore: 1e15 }],
])('a large transaction that %s leaves nothing', (_, more) => {
  const world = new World()
  world.large(
    transaction(
      1,
      ids(2000).map((id) => put(id, 1)),
      more,
    ),
  )
  world.finish()
  expect(world.replica.state.cache(items).entries.size).toBe(0)
})

test('a large transaction whose last step is unsound leaves nothing', () => {
  const world = new World()
  world.large(
    transaction(1, [...ids(2000).map((id) => put(id, 1)), { ...put('x', 1), cache: 99 } as Step]),
  )
  world.finish()
  expect(world.replica.state.cache(items).entries.size).toBe(0)
})

test('a replica that is held between two slices has melded nothing of it, and all of it later', async () => {
  const slicesOf = (world: World) => {
    world.large(
      transaction(
        1,
        ids(3000).map((id) => put(id, 1)),
      ),
    )
    world.small(transaction(2, [put('id 1', 2)]))
  }
  const measured = new World()
  slicesOf(measured)
  let turns = 0
  while (measured.step()) turns++
  for (let at = 0; at < turns; at++) {
    const world = new World()
    slicesOf(world)
    for (let turn = 0; turn < at; turn++) world.step()
    const release = await world.replica.hold()
    while (world.step());
    const { position } = world.replica.state
    expect(position).toBeLessThanOrEqual(world.stream.last)
    release()
    world.finish()
  }
})

test(`slices come to what melding in one go comes to: seed ${seed}`, () => {
  const random = new SeededRandom(seed)
  for (let round = 0; round < 6; round++) {
    const world = new World()
    for (let number = 1; number < 12; number++) {
      const steps = Array.from({ length: 1 + random.below(700) }, () => {
        const id = `id ${random.below(1500)}`
        return random.below(4) === 0 ? remove(id) : put(id, random.below(40))
      })
      // Whoever writes a key twice is melded in one go.
      const once = random.below(3) > 0
      const own = once
        ? [...new Map(steps.map((step) => ['key' in step && step.key, step])).values()]
        : steps
      if (random.below(3) === 0) world.small(transaction(number, own))
      else world.large(transaction(number, own), 1 + random.below(4))
      for (let turn = random.below(30); turn > 0; turn--) world.step()
    }
    world.finish()
  }
})
