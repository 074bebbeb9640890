import { comparePoints, type ResumePoint } from '@spacegrid/grid/core/resume-point'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import {
  logIdentity,
  WindowAuthor,
  windowOf,
} from '@spacegrid/grid/engine/changes/test-support/window-author'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import type { WindowEvent } from '@spacegrid/grid/engine/wire/window-codec'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import { SimulatedStream } from '@spacegrid/grid/kit/simulated-stream'
import { expect, test } from 'vitest'
import { PastEvents } from './past-events.ts'

const clock = new SystemClock()
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const positions = 120

interface Happened {
  readonly name: string
  readonly point: ResumePoint
  readonly version: number
}

/** What pumps have left in a change queue, and what happened all in all. */
class Queue {
  readonly stream = new SimulatedStream(clock)
  readonly changes = new SimulatedLog(clock, this.stream)
  readonly events: WindowEvent[] = []
  readonly past = new PastEvents(0, clock, async () => this.#atOnce())
  readonly #author = new WindowAuthor(this.changes)

  /** Many thousand reads, none of which has to take time. */
  #atOnce(): Log {
    const read = async (position: number) => this.stream.read(position)
    const bounds = async () => this.stream.bounds()
    return Object.assign(Object.create(this.changes) as Log, { read, bounds })
  }

  async publish(from: number, to: number, identity = logIdentity): Promise<void> {
    const events = this.events.filter(({ position }) => position > from && position <= to)
    const window = windowOf(from, to)
    const checkpoint = { ...window.checkpoint, logIdentity: identity }
    await this.#author.publish({ ...window, checkpoint, events })
  }

  happened(after: ResumePoint, upTo: number, names: ReadonlySet<string> | undefined): Happened[] {
    const counts = new Map<number, number>()
    return this.events.flatMap(({ name, position, transaction: version }) => {
      const told = (counts.get(position) ?? 0) + 1
      counts.set(position, told)
      const point = { position, told }
      const isMeant = comparePoints(point, after) > 0 && position <= upTo
      return isMeant && (names?.has(name) ?? true) ? [{ name, point, version }] : []
    })
  }

  /** All that is read, one look after the other. */
  async read(after: ResumePoint, upTo: number, names: ReadonlySet<string> | undefined) {
    const found: Happened[] = []
    for (let point = after; ; ) {
      const part = await this.past.look({ after: point, names, upTo, logIdentity })
      if (!part) return undefined
      for (const { name, point: at, version } of part.happenings)
        found.push({ name, point: at, version })
      if (comparePoints(part.upTo, point) <= 0) return found
      point = part.upTo
    }
  }
}

function fill(queue: Queue, random: SeededRandom, perPosition: number): void {
  for (let position = 1; position <= positions; position++)
    for (let count = random.integer() % perPosition; count > 0; count--) {
      const name = random.integer() % 3 === 0 ? 'Sold' : 'Held'
      queue.events.push({ name, payload: {}, transaction: position * 10 + count, position })
    }
}

test(`whatever pumps have left in the queue, all that happened is read once and in order, seed ${seed}`, async () => {
  for (let round = 0; round < 20; round++) {
    const random = new SeededRandom(seed + round)
    const queue = new Queue()
    fill(queue, random, round % 10 === 0 ? 40 : 4)
    for (let old = random.integer() % 4; old > 0; old--)
      await queue.publish(random.integer() % 50, 50 + (random.integer() % 100), 'another log')
    for (let reached = 0; reached < positions; ) {
      // A pump that begins anew publishes again what is there, in other windows.
      const from = Math.max(0, reached - (random.integer() % 3 === 0 ? random.integer() % 30 : 0))
      reached = Math.min(positions, from + 1 + (random.integer() % 20))
      if (random.integer() % 8 === 0) await queue.changes.append(Buffer.from('no window'))
      await queue.publish(from, reached)
    }
    for (let look = 0; look < 20; look++) {
      const told = random.integer() % 2 === 0 ? {} : { told: random.integer() % 4 }
      const after = { position: random.integer() % (positions + 1), ...told }
      const upTo = after.position + (random.integer() % (positions + 1 - after.position))
      const names = random.integer() % 2 === 0 ? undefined : new Set(['Sold'])
      const found = await queue.read(after, upTo, names)
      // The window in which it has come so far may tell more.
      const all = queue.happened(after, positions, names)
      expect(found).toEqual(all.slice(0, found?.length))
      const isThere = Math.max(0, after.position - (after.told === undefined ? 0 : 1)) >= upTo
      const least = isThere ? 0 : queue.happened(after, upTo, names).length
      expect(found?.length).toBeGreaterThanOrEqual(least)
    }
  }
})

test('what has been trimmed, or was never published, is not told as if nothing had happened', async () => {
  const queue = new Queue()
  fill(queue, new SeededRandom(seed), 4)
  for (let from = 0; from < positions; from += 10) await queue.publish(from, from + 10)
  await queue.changes.trim(6)
  expect(await queue.read({ position: 49 }, positions, undefined)).toBeUndefined()
  const whole = queue.happened({ position: 50 }, positions, undefined)
  expect(await queue.read({ position: 50 }, positions, undefined)).toEqual(whole)
  // Of the position itself something may be missing.
  expect(await queue.read({ position: 50, told: 1 }, positions, undefined)).toBeUndefined()
  // Of another log nothing is known here.
  const asked = { after: { position: 50 }, names: undefined, upTo: positions }
  expect(await queue.past.look({ ...asked, logIdentity: 'new' })).toEqual({
    happenings: [],
    upTo: { position: 50 },
  })
})
