import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import { defineEvent } from '@spacegrid/grid/core/define-event'
import { defineReaction } from '@spacegrid/grid/core/define-reaction'
import { serveSpace } from '@spacegrid/grid/doors/nats/space-services'
import type { Subscription } from '@spacegrid/grid/engine/ports/messaging'
import { decodeFrame } from '@spacegrid/grid/engine/wire/frame-codec'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { SimulatedMemory } from '@spacegrid/grid/kit/simulated-memory'
import { UnitWorld, type WorldUnit } from '@spacegrid/grid/kit/unit-world'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ProcessingUnit } from '../processing-unit.ts'
import { serveNewest } from './newest-service.ts'

const id = Type.String()
const holds = defineCache('holds', {
  schema: Type.Object({ id, until: Type.Integer() }),
  key: 'id',
  expiry: 'until',
})
const notes = defineCache('notes', { schema: Type.Object({ id }), key: 'id' })
const noted = defineEvent('Noted', Type.Object({ id }))

const hold = defineCommand('hold', {
  input: Type.Object({ id, ms: Type.Integer() }),
  affinity: 'id',
  handler: (tx, { id, ms }) => {
    if (tx.get(holds, id)) tx.reject('held', { id })
    tx.put(holds, { id, until: tx.now + ms })
    tx.emit(noted, { id })
    return { until: tx.now + ms }
  },
})
const note = defineCommand('note', {
  input: Type.Object({ id }),
  handler: (tx, { id }) => {
    tx.put(notes, { id })
  },
})
const counts = defineQuery('counts', {
  input: Type.Object({}),
  handler: (read) => ({ holds: read.count(holds), notes: read.count(notes) }),
})

/** A space in which units do all that they do by themselves: expiry, reactions, affinity. */
const space = defineSpace('holding', {
  caches: [holds, notes],
  commands: [hold, note],
  queries: [counts],
  reactions: [
    defineReaction('noting', {
      on: noted,
      space: 'holding',
      command: note,
      input: ({ id }) => ({ id }),
    }),
  ],
})

let world: UnitWorld
let services: Subscription[]
beforeEach(() => {
  world = new UnitWorld(space)
  services = []
})
afterEach(async () => {
  for (const service of services) await service.stop()
  await world.stop()
})

const log = { error: () => undefined }

/** What a process that takes commands serves over messaging. */
async function serve(unit: ProcessingUnit): Promise<void> {
  services.push(await serveSpace(world.messaging, unit, { log }))
  services.push(await serveNewest(world.messaging, space.name, unit, log))
}

function startQueryUnit(memory?: SimulatedMemory): WorldUnit & { readonly appended: Uint8Array[] } {
  const started = world.start({ takesCommands: false }, undefined, undefined, memory)
  const appended: Uint8Array[] = []
  started.log.fate = (data) => {
    appended.push(data)
    return {}
  }
  return { ...started, appended }
}

const isReady = ({ unit }: WorldUnit) => unit.readiness().ready
const ask = async ({ unit }: WorldUnit, options = {}) =>
  (await world.settled(unit.query('counts', {}, options))).result

describe('a query unit', () => {
  test('shows what others write, and writes nothing, whatever there is to do', async () => {
    const { unit } = await world.startReady()
    const query = startQueryUnit()
    await world.until(() => isReady(query))
    await serve(unit)
    for (const id of ['a', 'b']) await world.settled(unit.execute('hold', { id, ms: 30_000 }))
    await world.settled(query.unit.execute('hold', { id: 'c', ms: 1000 }))
    // The reaction's commands, done by the unit that takes them.
    await world.until(() => query.unit.state?.position === unit.state?.position, 5000)
    await world.clock.advance(3000)
    expect(await ask(query)).toEqual({ holds: 2, notes: 3 })
    // Expiry is due, the log stays silent for minutes, and nobody else is there.
    await world.settled(unit.stop())
    await world.clock.advance(200_000)
    expect(await ask(query)).toEqual({ holds: 2, notes: 3 })
    expect(query.appended).toEqual([])
    expect(isReady(query)).toBe(true)
    await world.settled(query.unit.stop())
    expect(query.appended).toEqual([])
    const joined = [...Array(query.log.stream.last)].flatMap((_, at) => {
      const { data } = query.log.stream.read(at + 1) ?? {}
      const frame = data && decodeFrame(data)
      return frame && 'unit' in frame ? [frame.unit] : []
    })
    expect(new Set(joined)).toEqual(new Set([unit.name]))
  })

  test('is ready once the definition is in the log, which it does not write itself', async () => {
    const query = startQueryUnit()
    await world.clock.advance(3000)
    expect(query.unit.readiness().reason).toContain('a unit that takes commands writes it')
    expect(query.appended).toEqual([])
    await world.startReady()
    await world.until(() => isReady(query))
  })

  test('gives a copy of what it has to a unit that joins when nobody else is there', async () => {
    const { unit } = await world.startReady()
    const query = startQueryUnit()
    await world.until(() => isReady(query))
    await world.settled(unit.execute('hold', { id: 'a', ms: 60_000 }))
    await world.until(() => query.unit.state?.position === unit.state?.position, 5000)
    await world.settled(unit.stop())
    const joined = await world.startReady({ sources: ['peer'] })
    expect(await ask(joined)).toMatchObject({ holds: 1 })
  })

  test('near the end of its memory leaves service, and keeps nobody from writing', async () => {
    const { unit } = await world.startReady()
    const memory = new SimulatedMemory()
    const query = startQueryUnit(memory)
    await world.until(() => isReady(query))
    memory.share = 0.8
    await world.clock.advance(3000)
    expect(isReady(query)).toBe(true)
    await world.settled(unit.execute('hold', { id: 'a', ms: 60_000 }))
    memory.share = 0.95
    await world.clock.advance(3000)
    expect(query.unit.readiness().reason).toContain('memory is nearly full')
    await world.settled(unit.execute('hold', { id: 'b', ms: 60_000 }))
    memory.share = 0.1
    await world.until(() => isReady(query))
  })
})

describe('a command that comes to a query unit', () => {
  test('is done by one that takes commands, and what is answered is shown', async () => {
    const { unit } = await world.startReady()
    const query = startQueryUnit()
    await world.until(() => isReady(query))
    await serve(unit)
    const options = { idempotencyKey: 'k', acknowledge: 'committed' } as const
    const execute = () => world.settled(query.unit.execute('hold', { id: 'a', ms: 9000 }, options))
    const first = await execute()
    expect(first).toMatchObject({ replayed: false, acknowledged: 'committed' })
    expect(query.unit.position).toBeGreaterThanOrEqual(first.position)
    expect(await execute()).toEqual({ ...first, replayed: true })
    expect(query.unit.status().passed).toEqual({ answered: 2, elsewhere: 0, unknown: 0 })
  })

  test('is refused as it is refused there', async () => {
    const { unit } = await world.startReady()
    const query = startQueryUnit()
    await world.until(() => isReady(query))
    await serve(unit)
    const execute = (name: string, input: object) =>
      world.settled(query.unit.execute(name, input)).catch((error: unknown) => error)
    await execute('hold', { id: 'a', ms: 9000 })
    const refused = await execute('hold', { id: 'a', ms: 9000 })
    expect(refused).toMatchObject({ code: 'rejected', reason: 'held', details: { id: 'a' } })
    expect(await execute('none', {})).toMatchObject({ code: 'unknown_command' })
    expect(await execute('hold', { id: 7 })).toMatchObject({ code: 'invalid_input' })
  })

  test('is refused where nobody takes commands; of one that is not answered nobody knows', async () => {
    await world.startReady()
    const query = startQueryUnit()
    await world.until(() => isReady(query))
    const execute = () =>
      world.settled(query.unit.execute('note', { id: 'a' })).catch((error: unknown) => error)
    expect(await execute()).toMatchObject({ code: 'not_ready', retryAfterMs: 1000 })
    const silent = {
      name: 'silent',
      version: '1.0.0',
      endpoints: [
        {
          subject: subjects.command(space.name, 'note'),
          respond: () => new Promise<never>(() => {}),
        },
      ],
    }
    services.push(await world.messaging.serve(silent))
    expect(await execute()).toMatchObject({ code: 'outcome_unknown' })
    expect(query.unit.status().passed).toEqual({ answered: 0, elsewhere: 1, unknown: 1 })
  })

  test('is not taken by way of what units ask each other either', async () => {
    await world.startReady()
    const query = startQueryUnit()
    await world.until(() => isReady(query))
    const direct = query.unit.executeHere('note', { id: 'a' })
    await expect(direct).rejects.toMatchObject({ code: 'not_ready' })
    const correction = { cache: 'notes', key: 'a', version: 1, value: { id: 'a' } }
    await expect(query.unit.correct(correction)).rejects.toMatchObject({ code: 'not_ready' })
    expect(query.appended).toEqual([])
  })
})

describe('the latest state', () => {
  test('is what a unit that takes commands says it is, though the log said less', async () => {
    const { unit } = await world.startReady()
    const query = startQueryUnit()
    await world.until(() => isReady(query))
    await serve(unit)
    // As a server of the log says that has not noticed yet that it was cut off.
    const stale = await world.settled(query.log.bounds())
    query.log.bounds = async () => stale
    query.log.lateMs = () => 700
    await world.settled(unit.execute('hold', { id: 'a', ms: 60_000 }))
    expect(await ask(query, { stalenessMs: 0 })).toMatchObject({ holds: 0 })
    const latest = () => query.unit.query('counts', {}, { latest: true })
    for (const { result } of await world.settled(Promise.all([latest(), latest(), latest()])))
      expect(result).toMatchObject({ holds: 1 })
    expect(query.appended).toEqual([])
  })

  test('is not known where nobody takes commands; everything else is answered', async () => {
    await world.startReady()
    const query = startQueryUnit()
    await world.until(() => isReady(query))
    const latest = ask(query, { latest: true })
    await expect(latest).rejects.toMatchObject({ code: 'not_ready' })
    expect(await ask(query, { stalenessMs: 0 })).toEqual({ holds: 0, notes: 0 })
  })
})
