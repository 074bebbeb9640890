import { expect, test } from 'vitest'
import { defineCache, defineSpace, Type } from '../../core/define.ts'
import { shapeOf } from '../../core/shape.ts'
import { SpaceState } from '../../core/space-state.ts'
import { SeededRandom } from '../../kit/seeded-random.ts'
import { restoreSnapshotChunk } from '../wire/snapshot-codec.ts'
import type { ReplicaListener } from './replica.ts'
import { ReplicaSnapshot } from './snapshot-source.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

const schema = Type.Object({ id: Type.String(), n: Type.Number() })
const cacheNames = ['first', 'second', 'third']
const shape = shapeOf(
  defineSpace('test', {
    caches: cacheNames.map((name) => defineCache(name, { schema, key: 'id' })),
  }),
)

/** A replica that is changed by hand. */
class Live {
  readonly state = new SpaceState(shape)
  #listener: ReplicaListener | undefined

  listen(listener: ReplicaListener): () => void {
    this.#listener = listener
    return () => {
      this.#listener = undefined
    }
  }

  write(name: string, key: string, n: number | undefined): void {
    const { state } = this
    const cache = state.layout.named(name)?.number as number
    const value = n === undefined ? undefined : { id: key, n }
    const version = ++state.position
    const before = state.write(cache, key, value, version, state.position)
    if (before ?? value) this.#listener?.changed?.({ cache, key, value, version }, before)
  }
}

const entriesOf = (state: SpaceState) =>
  state.layout.caches.map(({ number }) => [...state.cache(number).entries].sort())

// architecture.md, invariant 8
test(`a snapshot of what changes meanwhile is exact, in pieces no larger than asked for: seed ${seed}`, () => {
  const random = new SeededRandom(seed)
  for (let round = 0; round < 200; round++) {
    const live = new Live()
    const change = () => {
      const name = cacheNames[random.below(3)] as string
      live.write(
        name,
        `key ${random.below(60)}`,
        random.below(3) === 0 ? undefined : random.below(9),
      )
    }
    const changeOften = (count: number) => {
      for (let i = 0; i < count; i++) change()
    }
    changeOften(random.below(150))
    const snapshot = new ReplicaSnapshot(live)
    const copy = SpaceState.toRestore()
    // The log falls silent in the end, or a reader that takes one entry at a time would never be
    // done.
    for (let piece = 0; ; piece++) {
      if (piece < 40) changeOften(random.below(5) === 0 ? random.below(60) : random.below(3))
      const entriesMax = 1 + random.below(20)
      const chunk = snapshot.next(entriesMax)
      expect(chunk.changes.length).toBeLessThanOrEqual(entriesMax)
      restoreSnapshotChunk(copy, chunk)
      if (!chunk.end) continue
      expect(copy.digest.toString()).toBe(chunk.end.digest)
      break
    }
    expect(copy.header()).toEqual(live.state.header())
    expect(entriesOf(copy)).toEqual(entriesOf(live.state))
    snapshot.close()
  }
})

test('a snapshot read more slowly than its replica changes fails', () => {
  const live = new Live()
  const snapshot = new ReplicaSnapshot(live)
  live.write('first', 'a', 1)
  expect(snapshot.next(1).changes).toHaveLength(1)
  for (let n = 0; n <= 1_000_000; n++) live.write('first', 'a', n)
  expect(() => snapshot.next(1)).toThrow(expect.objectContaining({ code: 'overloaded' }))
})
