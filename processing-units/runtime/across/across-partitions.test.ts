import { positionsOf } from '@spacegrid/grid/core/position'
import { fateOf } from '@spacegrid/grid/kit/unit-world'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { partitionOfInput } from '../partitions/partition-of.ts'
import { PartitionedWorld, type WorldMember } from '../partitions/test-support/partitioned-world.ts'
import { bank, deposit } from './test-support/divided-bank.ts'
import { leftOver } from './test-support/left-over.ts'

let world: PartitionedWorld
let members: WorldMember[]

const partitionOf = (id: string) => partitionOfInput(bank, deposit, { id })
/** One account in each partition: `at(0)` is in partition 0. */
const at = (partition: number) => {
  for (let n = 0; ; n++) if (partitionOf(`account-${n}`) === partition) return `account-${n}`
}

beforeEach(async () => {
  const made = new PartitionedWorld(bank)
  world = made
  onTestFinished(() => made.stop())
  members = await world.startSettled(3)
  for (let partition = 0; partition < 4; partition++)
    await execute('open', { id: at(partition), amount: 100 })
})

const execute = (name: string, input: object, options = {}, member = members[0]!) =>
  world.settled(member.unit.execute(name, input, options))

const transfer = (from: number, to: number, amount: number) => ({
  ...{ from: at(from), to: at(to), amount },
})

const left = () => leftOver(members)

async function balances(): Promise<unknown[]> {
  const all: unknown[] = []
  for (let partition = 0; partition < 4; partition++) {
    const member = members.find(({ host }) => host.alive)!
    const query = member.unit.query('balance', { id: at(partition) }, { latest: true })
    all.push(((await world.settled(query)).result as { balance: unknown }).balance)
  }
  return all
}

describe('a command across partitions', () => {
  test('does all of it, and answers with what its parts answer', async () => {
    const answer = await execute('transfer', transfer(0, 1, 30))
    expect(answer).toMatchObject({ result: [{ balance: 70 }, { balance: 130 }], replayed: false })
    expect([...positionsOf(answer.position)!.keys()]).toEqual([0, 1])
    await world.until(() => left().length === 0)
    expect(await balances()).toEqual([70, 130, 100, 100])
  })

  test('makes one answer of them, if it says how', async () => {
    const ids = [0, 1, 2, 3].map(at)
    expect((await execute('sum', { ids })).result).toEqual({ total: 400 })
    await world.until(() => left().length === 0)
  })

  test('is one transaction where all of it is in one partition', async () => {
    expect((await execute('transfer', transfer(2, 2, 5))).result).toEqual([
      { balance: 95 },
      { balance: 100 },
    ])
  })

  test('tells refusals alike where all of it is in one partition', async () => {
    await expect(execute('transfer', transfer(2, 2, 500))).rejects.toMatchObject({
      reason: 'not_enough',
      details: { parts: [{ part: 0, command: 'withdraw', reason: 'not_enough' }] },
    })
    const unknown = ['x', 'y', 'z', 'u', 'v', 'w', 'r', 's'].find((id) => partitionOf(id) === 2)
    const request = { from: at(2), to: unknown, amount: 1 }
    await expect(execute('transfer', request)).rejects.toMatchObject({
      reason: 'no_account',
      details: {
        parts: [
          { part: 1, command: 'deposit', reason: 'no_account', details: { missing: unknown } },
        ],
      },
    })
  })

  test('does nothing when a part refuses, and says which and why', async () => {
    await expect(execute('transfer', transfer(0, 1, 300))).rejects.toMatchObject({
      name: 'Rejection',
      reason: 'not_enough',
      details: {
        parts: [
          {
            ...{ part: 0, command: 'withdraw', reason: 'not_enough' },
            details: { id: at(0), balance: 100 },
          },
        ],
      },
    })
    await world.until(() => left().length === 0)
    expect(await balances()).toEqual([100, 100, 100, 100])
  })

  test('says of all parts that refuse, operations too, in their order', async () => {
    const other = [...Array(99).keys()].map((n) => `none-${n}`).find((id) => partitionOf(id) === 1)
    await expect(
      execute('transfer', { from: at(0), to: other, amount: 300 }),
    ).rejects.toMatchObject({
      reason: 'not_enough',
      details: {
        parts: [
          { part: 0, command: 'withdraw', reason: 'not_enough' },
          { part: 1, command: 'deposit', reason: 'no_account', details: { missing: other } },
        ],
      },
    })
  })

  test('is done once for an idempotency key, whoever is asked', async () => {
    const options = { idempotencyKey: 'k' }
    const first = await execute('transfer', transfer(0, 1, 30), options)
    for (const member of members) {
      const again = await execute('transfer', transfer(0, 1, 30), options, member)
      expect(again).toMatchObject({ result: first.result, replayed: true })
      // Whoever hears it only now is to read it wherever it was done.
      const positions = positionsOf(again.position)!
      for (const [partition, position] of positionsOf(first.position)!)
        expect(positions.get(partition)).toBeGreaterThanOrEqual(position)
    }
    await expect(execute('transfer', transfer(0, 1, 31), options)).rejects.toMatchObject({
      code: 'idempotency_key_reused',
    })
    await world.until(() => left().length === 0)
    expect(await balances()).toEqual([70, 130, 100, 100])
  })

  test('that is asked for twice at once is done once', async () => {
    const options = { idempotencyKey: 'twice' }
    const asked = [0, 1, 2, 0].map((n) =>
      fateOf(members[n]!.unit.execute('transfer', transfer(0, 1, 1), options)),
    )
    await world.until(() => asked.every(({ value, error }) => value ?? error))
    expect(asked.map(({ error }) => error)).toEqual(asked.map(() => undefined))
    expect(asked.filter(({ value }) => !value?.replayed)).toHaveLength(1)
    await world.until(() => left().length === 0)
    expect(await balances()).toEqual([99, 101, 100, 100])
  })
})

test('who is answered reads what was done, anywhere', async () => {
  for (let n = 1; n <= 10; n++) {
    const { position } = await execute('transfer', transfer(0, 1, 1), {}, members[n % 3])
    for (const { unit } of members) {
      const read = (id: string) => world.settled(unit.query('balance', { id }, { position }))
      expect((await read(at(0))).result).toEqual({ balance: 100 - n })
      expect((await read(at(1))).result).toEqual({ balance: 100 + n })
    }
  }
})

test('transfers in a circle all come through, beside those of one partition', async () => {
  const asked = Array.from({ length: 60 }, (_, n) => {
    const { unit } = members[n % 3]!
    return n % 4 === 3
      ? fateOf(unit.execute('deposit', { id: at(n % 3), amount: 0 }))
      : fateOf(unit.execute('transfer', transfer(n % 3, (n + 1) % 3, 1)))
  })
  await world.until(() => asked.every(({ value, error }) => value ?? error), 60_000)
  expect(asked.map(({ error }) => error).filter(Boolean)).toEqual([])
  await world.until(() => left().length === 0)
  expect((await balances()).reduce((all, it) => (all as number) + (it as number), 0)).toBe(400)
})

/** Frames in all logs. */
const written = () => world.streams.reduce((sum, { last }) => sum + last, 0)

/** Virtual ms until it is answered. */
async function timed(answered: Promise<unknown>): Promise<number> {
  const from = world.clock.monotonic()
  const fate = fateOf(answered)
  while (!fate.value && !fate.error) await world.clock.advance(0.1)
  expect(fate.error).toBeUndefined()
  return world.clock.monotonic() - from
}

// What is answered is still held in the other partitions, for as long as it takes to finish there.
test('a command goes on at once where another one is about to let go', async () => {
  const { unit } = members[0]!
  const alone = await timed(unit.execute('transfer', transfer(0, 1, 1)))
  await world.until(() => left().length === 0)
  for (let n = 0; n < 8; n++) {
    const after = await timed(unit.execute('transfer', transfer((n + 1) % 4, (n + 2) % 4, 1)))
    // Within what messages take now and then: before, it let go of everything and began again.
    expect(after).toBeLessThan(alone + 4)
  }
})

test('commands that all want the same come through one after the other, with little in vain', async () => {
  const before = written()
  const all = 60
  const asked = Array.from({ length: all }, (_, n) =>
    fateOf(members[n % 3]!.unit.execute('transfer', transfer(n % 2, 1 - (n % 2), 1))),
  )
  await world.until(() => asked.every(({ value, error }) => value ?? error), 60_000)
  // Two logs, in each what is prepared and what ends it, and some that were early: without turns 5.
  expect((written() - before) / all).toBeLessThan(4.5)
  expect(asked.map(({ error }) => error).filter(Boolean)).toEqual([])
  await world.until(() => left().length === 0)
  expect(await balances()).toEqual([100, 100, 100, 100])
})
