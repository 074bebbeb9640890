import { defineCache, defineCommand, defineSpace, Type } from '@spacegrid/grid/core/define'
import { Rejection } from '@spacegrid/grid/core/errors'
import { UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, beforeEach, expect, test } from 'vitest'

const purses = defineCache('purses', {
  schema: Type.Object({ id: Type.String(), coins: Type.Integer() }),
  key: 'id',
})

const input = Type.Object({ id: Type.String(), coins: Type.Integer() })

/** Its handler refuses. */
const give = defineCommand('give', {
  input,
  handler: (tx, { id, coins }) => {
    const purse = tx.get(purses, id) ?? { id, coins: 0 }
    if (purse.coins < coins) tx.reject('too_poor', { coins: purse.coins })
    tx.put(purses, { id, coins: purse.coins - coins })
  },
})

/** Its operation refuses, when it is melded. */
const take = defineCommand('take', {
  input,
  handler: (tx, { id, coins }) => {
    tx.increment(purses, id, 'coins', coins, {
      ...{ max: 10, otherwise: 'too_rich', initial: { id, coins: 0 } },
    })
  },
})

const pass = defineCommand('pass', {
  input: Type.Object({ from: Type.String(), to: Type.String(), coins: Type.Integer() }),
  parts: ({ from, to, coins }) => [
    { command: take, input: { id: to, coins } },
    { command: give, input: { id: from, coins } },
    { command: take, input: { id: 'chest', coins } },
  ],
})

let asked = 0
/** It can say twice what its parts are: that is how often it may be asked. */
const fickle = defineCommand('fickle', {
  input,
  parts: ({ id, coins }) => {
    if (++asked > 2) throw new Error('no parts')
    return [{ command: take, input: { id, coins } }]
  },
})

const space = defineSpace('purses', { caches: [purses], commands: [give, take, pass, fickle] })

let world: UnitWorld
beforeEach(() => {
  world = new UnitWorld(space)
})
afterEach(() => world.stop())

const told = (part: number, command: string, reason: string, details: object) =>
  expect.objectContaining({ reason, details: { parts: [{ part, command, reason, details }] } })

// In one log as on several partitions: proof/simulator/divided has both.
test('who is refused learns which part refuses, and why', async () => {
  const { unit } = await world.startReady()
  const ask = (from: string, to: string, coins: number) =>
    world.settled(unit.execute('pass', { from, to, coins }).catch((error: unknown) => error))
  await world.settled(unit.execute('take', { id: 'rich', coins: 9 }))
  expect(await ask('poor', 'rich', 1)).toEqual(told(1, 'give', 'too_poor', { coins: 0 }))
  expect(await ask('rich', 'other', 1)).not.toBeInstanceOf(Rejection)
  expect(await ask('other', 'rich', 3)).toBeInstanceOf(Rejection)
  await world.settled(unit.execute('take', { id: 'other', coins: 8 }))
  const tooRich = (value: number) => ({ value, max: 10 })
  expect(await ask('other', 'rich', 3)).toEqual(told(0, 'take', 'too_rich', tooRich(8)))
  await world.settled(unit.execute('take', { id: 'chest', coins: 9 }))
  expect(await ask('other', 'new', 1)).toEqual(told(2, 'take', 'too_rich', tooRich(10)))
})

test('parts are asked for before anything is sent: what they would come to later is all one', async () => {
  const { unit, events } = await world.startReady()
  await world.settled(unit.execute('take', { id: 'rich', coins: 9 }))
  asked = 0
  const refused = unit.execute('fickle', { id: 'rich', coins: 5 })
  expect(await world.settled(refused.catch((error: unknown) => error))).toEqual(
    told(0, 'take', 'too_rich', { max: 10, value: 9 }),
  )
  expect(unit.readiness()).toEqual({ ready: true })
  expect(events.filter(({ kind }) => kind === 'rehydrating')).toEqual([])
})
