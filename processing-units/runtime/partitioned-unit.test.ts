import { ApplicationFault } from '@spacegrid/grid/core/application-fault'
import { defineCommand, Type } from '@spacegrid/grid/core/define'
import { hashOfId, idWithHash, partitionHash } from '@spacegrid/grid/core/partition'
import { idempotencyCacheNumber } from '@spacegrid/grid/core/shape'
import { UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, describe, expect, test } from 'vitest'
import { accounts, accountsIn, bank } from './test-support/bank.ts'

const partitions = 4
const partition = 2
const [one, two] = accountsIn(partition, partitions, 2) as [string, string]
const [other] = accountsIn(3, partitions, 1) as [string]
const space = bank(partitions)

let world = new UnitWorld(space)
afterEach(async () => {
  await world.stop()
  world = new UnitWorld(space)
})

const ready = () => world.startReady({ partition })

describe('a unit of one partition', () => {
  test('copies from peers of its partition, and from no others', async () => {
    const heard: string[] = []
    for (const name of ['bank', 'bank.2', 'bank.3'])
      world.messaging.subscribe(`spacegrid.${name}.audit`, () => heard.push(name))
    await ready()
    const { events } = await world.startReady({ partition, sources: ['peer'] })
    await world.until(() => heard.length > 0)
    expect(events.find(({ kind }) => kind === 'rehydrated')?.details).toMatchObject({
      source: 'peer',
    })
    expect(new Set(heard)).toEqual(new Set(['bank.2']))
  })

  test('must be told which, and one that there is', () => {
    for (const wrong of [undefined, -1, 4]) {
      const options = wrong === undefined ? {} : { partition: wrong }
      expect(() => world.start(options)).toThrow('space bank has 4 partitions')
    }
    expect(() => world.start({ partition: 0 }, {}, world.clock, undefined, bank(1))).toThrow(
      'space bank has 1 partitions',
    )
  })

  test('refuses what belongs to another one', async () => {
    const { unit } = await ready()
    await world.settled(unit.execute('open', { id: one, sum: 5 }))
    const elsewhere = {
      code: 'wrong_partition',
      status: 421,
      details: { partition: 3, asked: 2 },
    }
    const refused: (() => Promise<unknown>)[] = [
      () => unit.execute('open', { id: other, sum: 5 }),
      () => unit.query('balance', { id: other }),
      () => unit.entry('accounts', other),
      () => unit.execute('transfer', { from: one, to: other, sum: 1 }),
      () =>
        unit.correct({ cache: 'accounts', key: other, version: 1, value: { id: other, sum: 1 } }),
    ]
    for (const ask of refused) await expect(world.settled(ask())).rejects.toMatchObject(elsewhere)
    expect(() => unit.get(accounts, other)).toThrow('belongs to partition 3, not 2')
    expect(unit.get(accounts, one)).toEqual({ id: one, sum: 5 })
    const asked = unit.entry('receipts', idWithHash('x'.repeat(22), partitionHash([other])))
    await expect(world.settled(asked)).rejects.toMatchObject(elsewhere)
  })

  test('gives its own part of a query that all partitions are asked', async () => {
    const { unit } = await ready()
    for (const id of [one, two]) await world.settled(unit.execute('open', { id, sum: 5 }))
    expect(await unit.query('total', {})).toMatchObject({ result: 2 })
  })

  test('makes ids that name the partition', async () => {
    const { unit } = await ready()
    await world.settled(unit.execute('open', { id: one, sum: 5 }))
    await world.settled(unit.execute('open', { id: two, sum: 5, until: world.clock.now() + 1000 }))
    const { result } = await world.settled(unit.execute('transfer', { from: one, to: two, sum: 2 }))
    expect(result).toEqual({ left: 3, now: 7, receipt: expect.any(String) })
    expect(hashOfId(String(Object(result).receipt))).toBe(partitionHash([one]))
    await world.until(() => unit.get(accounts, two) === undefined)
    const { number } = unit.state!.layout.named('receipts')!
    const made = [...unit.state!.cache(number).entries.values()].map(({ value }) => value)
    expect(made.map(({ account, receipt }) => [account, hashOfId(String(receipt))])).toEqual([
      [one, partitionHash([one])],
      [two, partitionHash([two])],
    ])
  })

  test('remembers with an idempotency key where its command belongs', async () => {
    const { unit } = await ready()
    await world.settled(unit.execute('open', { id: one, sum: 5 }, { idempotencyKey: 'first' }))
    const transfer = { from: one, to: two, sum: 1 }
    await world.settled(unit.execute('open', { id: two, sum: 5 }))
    const options = { idempotencyKey: 'second' }
    const answer = await world.settled(unit.execute('transfer', transfer, options))
    for (const key of ['first', 'second'])
      expect(unit.state!.find(idempotencyCacheNumber, key)?.value.hash).toBe(partitionHash([one]))
    expect(await world.settled(unit.execute('transfer', transfer, options))).toEqual({
      ...answer,
      replayed: true,
    })
  })
})

describe('a handler that works with an entry of another partition', () => {
  test.each(['get', 'peek', 'put', 'delete', 'increment', 'range', 'take'])(
    'is at fault when it does so by %s, and nothing of it is sent',
    async (how) => {
      const { unit, events } = await ready()
      await world.settled(unit.execute('open', { id: one, sum: 5 }))
      const { position } = unit
      const asked = unit.execute('meddle', { id: one, how, other })
      const fault: unknown = await world.settled(asked).catch((error: unknown) => error)
      const cache = how === 'range' || how === 'take' ? 'places' : 'accounts'
      expect(fault).toBeInstanceOf(ApplicationFault)
      expect(fault).toMatchObject({
        code: 'application_fault',
        cache,
        message: expect.stringContaining(
          `command meddle: cache ${cache}: wrong_partition: the entry "${other}" belongs to partition 3, and this runs in partition 2`,
        ),
        details: { command: 'meddle' },
      })
      expect(events.filter(({ kind }) => kind === 'application_fault')).toHaveLength(1)
      expect(unit.position).toBe(position)
      await world.settled(unit.execute('meddle', { id: one, how, other: two }).catch(() => 0))
      expect(events.filter(({ kind }) => kind === 'application_fault')).toHaveLength(1)
    },
  )

  test('is at fault when an operation would move an entry', async () => {
    const { unit } = await ready()
    const asked = unit.execute('meddle', { id: one, how: 'move', other: two })
    await expect(world.settled(asked)).rejects.toThrow(
      'cache places: place wrong_partition: it decides on the partition',
    )
  })

  test('is not, where the space has one partition', async () => {
    const whole = new UnitWorld(bank(1))
    const { unit } = await whole.startReady()
    for (const how of ['get', 'peek', 'put', 'delete', 'range'])
      await whole.settled(unit.execute('meddle', { id: one, how, other }))
    await whole.stop()
  })
})

describe('a command that consists of parts, in one log,', () => {
  const foreign = defineCommand('foreign', {
    input: Type.Object({}),
    handler: () => 1,
  })
  const strange = defineCommand('strange', {
    input: Type.Object({}),
    parts: () => [{ command: foreign, input: {} }],
  })
  const broken = defineCommand('broken', {
    input: Type.Object({}),
    parts: (): [] => {
      throw new Error('no parts today')
    },
  })
  let whole = new UnitWorld(bank(1, [strange, broken]))
  afterEach(async () => {
    await whole.stop()
    whole = new UnitWorld(bank(1, [strange, broken]))
  })

  test('is one transaction', async () => {
    const { unit } = await whole.startReady()
    for (const id of ['a', 'b']) await whole.settled(unit.execute('open', { id, sum: 5 }))
    const { result } = await whole.settled(unit.execute('transfer', { from: 'a', to: 'b', sum: 2 }))
    expect(result).toEqual({ left: 3, now: 7, receipt: expect.any(String) })
    const tooMuch = whole.settled(unit.execute('transfer', { from: 'a', to: 'b', sum: 4 }))
    await expect(tooMuch).rejects.toMatchObject({ reason: 'too_little' })
    const nowhere = whole.settled(unit.execute('transfer', { from: 'a', to: 'c', sum: 1 }))
    await expect(nowhere).rejects.toMatchObject({ reason: 'unknown' })
    expect(unit.get(accounts, 'a')).toEqual({ id: 'a', sum: 3 })
    expect(await unit.query('total', {})).toMatchObject({ result: { accounts: 2 } })
    const { unit: second } = await whole.startReady()
    expect(second.get(accounts, 'b')).toEqual({ id: 'b', sum: 7 })
  })

  test('is at fault when its parts cannot be', async () => {
    const { unit } = await whole.startReady()
    await expect(unit.execute('strange', {})).rejects.toThrow(
      "command strange: the part foreign is outside space bank: add it to the space's commands",
    )
    await expect(unit.execute('broken', {})).rejects.toThrow('command broken: no parts today')
  })
})

test('only a part: no caller may give it', async () => {
  const { unit } = await ready()
  await expect(unit.execute('withdraw', { id: one, sum: 1 })).rejects.toMatchObject({
    code: 'unknown_command',
    message: expect.stringContaining('takes withdraw only as a part of others'),
    details: { known: ['open', 'deposit', 'transfer', 'meddle'] },
  })
})
