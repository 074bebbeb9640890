import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import { isGridError } from '@spacegrid/grid/core/errors'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import type { AppendFate } from '@spacegrid/grid/kit/simulated-log'
import { UnitWorld, type WorldUnit } from '@spacegrid/grid/kit/unit-world'
import { expect, test } from 'vitest'
import type { ProcessingUnit } from './processing-unit.ts'

const tallies = defineCache('tallies', {
  schema: Type.Object({
    id: Type.String(),
    count: Type.Integer(),
    text: Type.String(),
    group: Type.String(),
    until: Type.Optional(Type.Integer()),
  }),
  key: 'id',
  indexes: { byGroup: ['group', 'count'] },
  expiry: 'until',
})

/**
 * Counts how often each request took effect, beside something that makes it collide, refuse, chain
 * or travel in parts.
 */
const work = defineCommand('work', {
  input: Type.Object({
    request: Type.String(),
    hot: Type.String(),
    kind: Type.String(),
    text: Type.String(),
  }),
  handler: (tx, { request, hot, kind, text }) => {
    const initial = { id: hot, count: 0, text: '', group: 'hot' }
    if (kind === 'write') {
      const count = tx.get(tallies, hot)?.count ?? 0
      tx.put(tallies, { ...initial, count: count + 1 })
      if (count % 7 === 6) tx.reject('seventh', { count })
    } else if (kind === 'range')
      tx.put(tallies, {
        ...initial,
        id: 'sum',
        group: 'sums',
        count: tx
          .range(tallies, 'byGroup', { equals: ['hot'] })
          .reduce((sum, { count }) => sum + count, 0),
      })
    else if (kind === 'bump') tx.increment(tallies, hot, 'count', 1, { initial, max: 200 })
    else tx.put(tallies, { ...initial, id: `e${request}`, group: 'brief', until: tx.now + 300 })
    tx.increment(tallies, request, 'count', 1, {
      initial: { id: request, count: 0, text, group: 'requests' },
    })
    return { request }
  },
})

const effects = defineQuery('effects', {
  input: Type.Object({ request: Type.String() }),
  handler: (reader, { request }) => ({ count: reader.get(tallies, request)?.count ?? 0 }),
})

const space = defineSpace('faults', { caches: [tallies], commands: [work], queries: [effects] })

/** What became of one request: whether it may, and whether it must, have taken effect. */
interface Request {
  readonly name: string
  readonly key: string | undefined
  told: 'nothing' | 'done' | 'not done' | 'unknown'
  error?: unknown
}

const certain = new Set(['rejected', 'log_full', 'log_unavailable', 'contended', 'not_ready'])
const refusedAtOnce = new Set(['overloaded', 'stopping'])

const kinds = ['write', 'write', 'range', 'bump', 'brief'] as const

/**
 * architecture.md, invariants 2, 3, 5 and 8, with everything going wrong at once, in virtual time.
 */
test.each(Array.from({ length: 12 }, (_, i) => i + 1))(
  'a request that is done took effect once, one that is not done never did (seed %i)',
  { timeout: 60_000 },
  async (seed) => {
    const random = new SeededRandom(seed)
    const chance = () => random.integer() / 2 ** 53
    const upTo = (max: number) => Math.floor((max + 1) * chance())
    const pick = <T>(items: readonly T[]): T => items[Math.floor(chance() * items.length)] as T
    const world = new UnitWorld(space)
    let calm = false
    const fate = (): AppendFate => {
      const luck = calm ? 1 : chance()
      if (luck < 0.06) return { copies: 0 }
      if (luck < 0.12) return { copies: 2, delayMs: upTo(120) }
      if (luck < 0.2) return { delayMs: upTo(120) }
      return luck < 0.28 ? { answered: false } : {}
    }
    const begin = (): WorldUnit => {
      const started = world.start(
        {
          framesInFlightMax: 1 + upTo(3),
          frameTransactionsMax: pick([2, 8, 4096]),
          frameBytesMax: 600,
          republishMs: 25,
          deadlinePositions: pick([6, 30, 4096]),
          commandMsMax: 400,
          attemptsMax: 200,
          stopMsMax: 300,
          disconnectedMsMax: 100,
          heartbeatMs: 100,
          expirySweepMs: 50,
          positionWaitMsMax: 200,
          // Longer than the clock jumps, or a retry would be a new request.
          idempotencyMs: 24 * 60 * 60_000,
        },
        { latencyMs: () => upTo(4), timeoutMs: 60 },
      )
      started.log.fate = fate
      return started
    }
    const first = begin()
    const running = [first, begin(), begin()]
    const others = () => pick(running.slice(1))
    await world.until(() => running.every(({ unit }) => unit.readiness().ready))

    const requests: Request[] = []
    const unseen: string[] = []
    /** What is acknowledged is seen by every read that asks for it, on any unit. */
    const lookFor = async (request: string, position: number) => {
      const options = chance() < 0.5 ? { latest: true } : { position }
      try {
        const { result } = await pick(running).unit.query('effects', { request }, options)
        if ((result as { count: number }).count !== 1) unseen.push(request)
      } catch (error) {
        if (!isGridError(error)) throw error // It may take too long, and it may be refused.
      }
    }
    const ask = async (unit: ProcessingUnit, request: Request) => {
      const input = {
        request: request.name,
        hot: `hot${upTo(2)}`,
        kind: pick(kinds),
        text: chance() < 0.1 ? 'long '.repeat(400) : '',
      }
      const acknowledge = chance() < 0.15 ? 'accepted' : 'committed'
      const options = {
        acknowledge,
        ...(request.key === undefined ? {} : { idempotencyKey: request.key }),
      } as const
      for (let attempt = 0; ; attempt++) {
        try {
          const one = attempt === 0 ? unit : pick(running).unit
          const { position } = await one.execute('work', input, options)
          request.told = acknowledge === 'accepted' ? 'unknown' : 'done'
          if (acknowledge === 'committed') await lookFor(request.name, position)
          return
        } catch (error) {
          if (!isGridError(error)) throw error
          request.error = error
          const wasUnknown = request.told === 'unknown'
          if (error.code === 'outcome_unknown') request.told = 'unknown'
          else if (certain.has(error.code) || refusedAtOnce.has(error.code)) {
            // What an earlier attempt left open, a later refusal to run does not settle.
            if (!wasUnknown) request.told = 'not done'
          } else throw error
          if (request.key === undefined || attempt === 4 || error.code === 'rejected') return
          await new Promise<void>((resume) => world.clock.after(upTo(30), resume))
        }
      }
    }
    const asked: Promise<void>[] = []
    for (let step = 0; step < 400; step++) {
      await world.clock.advance(upTo(4))
      const luck = chance()
      const one = pick(running)
      if (luck < 0.6) {
        const name = `r${requests.length}`
        const request: Request = {
          name,
          key: chance() < 0.5 ? `key of ${name}` : undefined,
          told: 'nothing',
        }
        requests.push(request)
        asked.push(ask(one.unit, request))
      } else if (luck < 0.62)
        // The first unit keeps up, so that there is always one to copy from; others may find the
        // log trimmed.
        world.stream.trim(first.unit.position - upTo(5))
      else if (luck < 0.64) world.stream.full = !world.stream.full
      else if (luck < 0.67) others().log.cut()
      else if (luck < 0.71) one.log.heal()
      else if (luck < 0.715) world.clock.jump(11 * 60_000)
      else if (luck < 0.72) world.clock.jump(-11 * 60_000)
      else if (luck < 0.73 && running.length < 5) running.push(begin())
      else if (luck < 0.74 && running.length > 2) {
        const leaving = others()
        running.splice(running.indexOf(leaving), 1)
        asked.push(leaving.unit.stop())
      }
    }
    calm = true
    world.stream.full = false
    for (const { log } of running) log.heal()
    await world.settled(Promise.all(asked))
    await world.until(() => running.every(({ unit }) => unit.readiness().ready))
    await world.until(
      () =>
        new Set(running.map(({ unit }) => `${unit.position} ${unit.status().digest}`)).size === 1,
    )
    const wrong: string[] = []
    for (const { name, told, error } of requests) {
      const { count } = (await first.unit.query('effects', { request: name })).result as {
        count: number
      }
      const fits = told === 'done' ? count === 1 : told === 'not done' ? count === 0 : count <= 1
      if (!fits) wrong.push(`${name}: told ${told} (${error}), took effect ${count} times`)
    }
    expect({ wrong, unseen }).toEqual({ wrong: [], unseen: [] })
    expect(requests.filter(({ told }) => told === 'done').length).toBeGreaterThan(10)
    for (const { events } of running)
      for (const event of events)
        if (
          event.kind === 'failed' ||
          event.kind === 'application_fault' ||
          (event.kind === 'rehydrating' &&
            !event.error?.message.startsWith('The tail wants position'))
        )
          throw new Error(JSON.stringify(event), { cause: event })
    await world.stop()
  },
)
