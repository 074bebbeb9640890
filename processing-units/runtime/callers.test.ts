import type { CallerIdentity } from '@spacegrid/grid/core/access'
import { defineCache, defineCommand, defineSpace, Type } from '@spacegrid/grid/core/define'
import { serveSpace } from '@spacegrid/grid/doors/nats/space-services'
import {
  guardVault,
  people,
  showing,
} from '@spacegrid/grid/doors/request/access/test-support/guarded-vault'
import type { Caller } from '@spacegrid/grid/doors/request/caller'
import { executeOptions } from '@spacegrid/grid/doors/request/request-options'
import { RequestPipeline } from '@spacegrid/grid/doors/request/request-pipeline'
import { UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { expect, onTestFinished, test } from 'vitest'
import { LiveDoors, StreamClient } from './live/test-support/live-door.ts'
import { shelf } from './live/test-support/shelf-space.ts'
import { partitionOfInput } from './partitions/partition-of.ts'
import { PartitionedWorld } from './partitions/test-support/partitioned-world.ts'

const said = defineCache('said', {
  schema: Type.Object({ id: Type.String() }),
  key: 'id',
  partitionBy: 'id',
})

const tell = (caller: CallerIdentity | undefined) => ({
  by: caller ? `${caller.kind} ${caller.name} ${caller.roles} ${caller.claims.tenant}` : null,
})

const say = defineCommand('say', {
  input: Type.Object({ id: Type.String() }),
  partitionBy: 'id',
  access: ['curator'],
  handler: (tx, { id }, { caller }) => {
    tx.put(said, { id })
    return tell(caller)
  },
})

/** What a handler keeps of its caller is its own affair; this one keeps nothing. */
const hush = defineCommand('hush', {
  input: Type.Object({ id: Type.String() }),
  partitionBy: 'id',
  handler: (tx, { id }, { caller }) => {
    tx.put(said, { id })
    return { isKnown: caller !== undefined }
  },
})

const sayAll = defineCommand('sayAll', {
  input: Type.Object({ ids: Type.Array(Type.String()) }),
  access: ['curator'],
  parts: ({ ids }) => ids.map((id) => ({ command: say, input: { id } })),
})

const voices = (partitions: number) =>
  defineSpace('voices', { caches: [said], commands: [say, hush, sayAll], partitions })

const alice: Caller = {
  name: 'alice',
  origin: { door: 'http', address: '10.0.0.7', credential: 'Bearer a-secret' },
  identity: {
    ...{ id: 'A'.repeat(22), name: 'alice', kind: 'token', roles: ['curator', 'b'] },
    claims: { tenant: 'acme' },
  },
}
const byAlice = { by: 'token alice curator,b acme' }

// docs/security.md: handlers know who asks, wherever they run.
test('whoever asks is known to the unit that does it, whichever was asked', async () => {
  const world = new PartitionedWorld(voices(4))
  onTestFinished(() => world.stop())
  const members = await world.startSettled(3)
  const partitions = new Set<number>()
  for (const [at, { unit }] of members.entries())
    for (let n = 0; n < 8; n++) {
      const id = `${at}-${n}`
      partitions.add(partitionOfInput(voices(4), say, { id }))
      const { result } = await world.settled(unit.execute('say', { id }, { caller: alice }))
      expect(result).toEqual(byAlice)
      const nobody = await world.settled(unit.execute('say', { id }))
      expect(nobody.result).toEqual({ by: null })
    }
  expect(partitions.size).toBe(4)
  const ids = Array.from({ length: 12 }, (_, n) => `all-${n}`)
  const { unit } = members[0] as (typeof members)[0]
  const all = await world.settled(unit.execute('sayAll', { ids }, { caller: alice }))
  expect(all.result).toEqual(ids.map(() => byAlice))
})

test('the log knows nothing of whoever asks', async () => {
  const world = new UnitWorld(voices(1))
  onTestFinished(() => world.stop())
  const { unit, log } = await world.startReady()
  const appended: Uint8Array[] = []
  log.fate = (data) => {
    appended.push(data)
    return {}
  }
  const options = executeOptions('a key', undefined, alice)
  const { result } = await world.settled(unit.execute('hush', { id: 'x' }, options))
  expect(result).toEqual({ isKnown: true })
  const written = Buffer.concat(appended).toString('latin1')
  expect(written).toContain('a key')
  for (const word of ['alice', 'curator', 'acme', 'a-secret', '10.0.0.7'])
    expect(written).not.toContain(word)
})

test('two callers with one key are told apart, and from whoever says nothing', async () => {
  const world = new UnitWorld(voices(1))
  onTestFinished(() => world.stop())
  const { unit } = await world.startReady()
  const bob: Caller = {
    ...alice,
    identity: { ...(alice.identity as CallerIdentity), id: 'B'.repeat(22), name: 'bob' },
  }
  const send = (caller?: Caller) =>
    world.settled(unit.execute('say', { id: 'x' }, executeOptions('key', undefined, caller)))
  expect(await send(alice)).toMatchObject({ result: byAlice, replayed: false })
  expect(await send(bob)).toMatchObject({
    result: { by: expect.stringContaining('bob') },
    replayed: false,
  })
  expect(await send()).toMatchObject({ result: { by: null }, replayed: false })
  for (const caller of [alice, bob, undefined])
    expect(await send(caller)).toMatchObject({ replayed: true })
  expect(await send(alice)).toMatchObject({ result: byAlice })
})

test('a query unit passes on what its caller has shown, and is not believed', async () => {
  const world = new UnitWorld(voices(1))
  onTestFinished(() => world.stop())
  const { unit } = await world.startReady()
  const { access } = guardVault(new Map(), undefined, [voices(1)])
  const log = { error: () => undefined }
  const pipeline = new RequestPipeline({ access })
  const services = await serveSpace(world.messaging, unit, { log, pipeline })
  onTestFinished(() => services.stop())
  const query = world.start({ takesCommands: false })
  await world.until(() => query.unit.readiness().ready)
  const carla = async (credential: string | undefined): Promise<Caller> => {
    const origin = { door: 'http', address: undefined, credential } as const
    const shown = await access
      .guard()
      .identify({ ...origin, credential: showing('curator').authorization })
    return { ...shown, origin }
  }
  const ask = (caller: Caller) =>
    world.settled(query.unit.execute('say', { id: 'x' }, executeOptions('k', undefined, caller)))
  const shown = await ask(await carla(showing('curator').authorization))
  expect(shown.result).toEqual({ by: 'key carla curator undefined' })
  // It says that it is hers, and shows what is not.
  for (const credential of [undefined, 'Api-Key nothing'])
    await expect(ask(await carla(credential))).rejects.toMatchObject({ code: 'unauthenticated' })
  await expect(ask(await carla(showing('visitor').authorization))).rejects.toMatchObject({
    code: 'forbidden',
  })
})

test('a stream ends with the key that has opened it', async () => {
  const roles = new Map([['curator', ['shelf:*']]])
  const { access, keys } = guardVault(roles, undefined, [shelf])
  const pipeline = new RequestPipeline({ access })
  const { unit, url } = await new LiveDoors(shelf).open('one', { pipeline })
  const events = `${url}/shelf/events`
  const asked = [{}, showing('visitor'), showing('late')].map((headers) =>
    StreamClient.open(events, headers).then(
      () => 'open',
      ({ status }: { readonly status: number }) => status,
    ),
  )
  expect(await Promise.all(asked)).toEqual([401, 403, 401])
  const [taken, kept] = [
    await StreamClient.open(events, showing('curator')),
    await StreamClient.open(`${url}/shelf/queries/ofGroup?group=a`, {
      ...showing('other'),
      accept: 'text/event-stream',
    }),
  ]
  await unit.execute('put', { id: 'x', group: 'a', rank: 2 })
  await taken.has(2)
  keys.replace([people.other.record])
  await expect
    .poll(() => taken.events.at(-1), { timeout: 10_000 })
    .toMatchObject({
      ...{ type: 'reconnect', data: { reason: 'expired' } },
    })
  await unit.execute('put', { id: 'y', group: 'a', rank: 3 })
  await expect.poll(() => JSON.stringify(kept.events)).toContain('"y"')
  expect(JSON.stringify(taken.events)).not.toContain('"y"')
})
