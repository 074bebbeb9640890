import { defineCache, defineCommand, defineSpace, Type } from '@spacegrid/grid/core/define'
import { defineEvent } from '@spacegrid/grid/core/define-event'
import { defineReaction } from '@spacegrid/grid/core/define-reaction'
import { UnitWorld, type WorldUnit } from '@spacegrid/grid/kit/unit-world'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { turnReaction } from './outbox-commands.ts'
import type { OutboxAnswers, OutboxAsked } from './outbox-desk.ts'

const notes = defineCache('notes', {
  schema: Type.Object({ id: Type.String(), texts: Type.Array(Type.String()) }),
  key: 'id',
})
const told = defineEvent('Told', Type.Object({ to: Type.String(), text: Type.String() }))

const tell = defineCommand('tell', {
  input: Type.Object({ to: Type.String(), text: Type.String() }),
  handler: (tx, said) => tx.emit(told, said),
})
const tellWrong = defineCommand('tellWrong', {
  input: Type.Object({ to: Type.String() }),
  handler: (tx, { to }) => tx.emit('Told', { to }),
})
const note = defineCommand('note', {
  input: Type.Object({ to: Type.String(), text: Type.String() }),
  handler: (tx, { to, text }) => {
    if (text === 'no') tx.reject('unwanted')
    if (text === 'fault') throw new Error('a mistake')
    tx.append(notes, to, 'texts', [text], { initial: { id: to, texts: [] } })
  },
})

/** Whether the mapping makes what the command takes. */
let isMapped = true
const noting = (behindDead: 'goOn' | 'wait') =>
  defineReaction('noting', {
    on: told,
    key: ({ to }) => to,
    retry: { attemptsMax: 3, pauseMs: 10 },
    behindDead,
    command: note,
    input: (said) => (isMapped ? said : ({ to: said.to } as typeof said)),
  })
const spaceWith = (behindDead: 'goOn' | 'wait') =>
  defineSpace('telling', {
    caches: [notes],
    commands: [tell, tellWrong, note],
    reactions: [noting(behindDead)],
  })

let world: UnitWorld
beforeEach(() => {
  isMapped = true
  world = new UnitWorld(spaceWith('goOn'))
})
afterEach(() => world.stop())

const say = ({ unit }: WorldUnit, text: string, to = 'ann') =>
  world.settled(unit.execute('tell', { to, text }))
const ask = <Answer>({ unit }: WorldUnit, asked: OutboxAsked) =>
  world.settled(unit.askOutbox(asked)) as Promise<Answer>
const all = (of: WorldUnit) =>
  ask<OutboxAnswers['list']>(of, { what: 'list', state: 'all', limit: 100 })
const textsOf = ({ unit }: WorldUnit, to = 'ann') => unit.get(notes, to)?.texts ?? []
const isIdle = ({ unit }: WorldUnit) => {
  const { waiting, working } = unit.status().reactions ?? { waiting: 1, working: 1 }
  return waiting + working === 0
}

test('what follows from events is done in their order, by one of several units', async () => {
  const units = [await world.startReady(), await world.startReady(), await world.startReady()]
  for (const [at, text] of ['a', 'b', 'c', 'd', 'e'].entries())
    await say(units[at % 3]!, text, at === 3 ? 'bob' : 'ann')
  await world.until(() => units.every(isIdle))
  for (const unit of units) {
    expect(textsOf(unit)).toEqual(['a', 'b', 'c', 'e'])
    expect(textsOf(unit, 'bob')).toEqual(['d'])
  }
  const done = units.reduce((sum, { unit }) => sum + unit.status().reactions!.done, 0)
  expect(done).toBe(5)
})

test('and so are those that were sent in one frame', async () => {
  const one = await world.startReady()
  const texts = Array.from({ length: 30 }, (_, at) => String(at))
  await world.settled(
    Promise.all(texts.map((text) => one.unit.execute('tell', { to: 'ann', text }))),
  )
  await world.until(() => isIdle(one))
  expect(textsOf(one)).toEqual(texts)
})

test('a refusal without an answer to it is a dead letter, which lets others go on', async () => {
  const one = await world.startReady()
  for (const text of ['no', 'a']) await say(one, text)
  await world.until(() => textsOf(one).length > 0 && isIdle(one))
  const { entries, total } = await all(one)
  expect(total).toBe(1)
  expect(entries[0]).toMatchObject({
    ...{ reaction: 'noting', event: 'Told', key: 'ann', state: 'dead', fault: 'noting: unwanted' },
  })
  expect(one.unit.status().reactions).toMatchObject({ dead: 1, died: 1, waiting: 0, done: 1 })
  const [{ id = '' } = {}] = entries
  const shown = await ask<OutboxAnswers['show']>(one, { what: 'show', id })
  expect(shown.entry.payload).toEqual({ to: 'ann', text: 'no' })
  const replay = { what: 'replay', ids: [id, 'nobody'] } as const
  expect(await ask(one, replay)).toEqual({ done: [id], not: ['nobody'] })
  await world.until(() => one.unit.status().reactions?.died === 2)
  expect(await ask(one, { what: 'drop', ids: [id] })).toEqual({ done: [id], not: [] })
  await world.until(() => one.unit.status().reactions?.dead === 0)
  expect((await all(one)).total).toBe(0)
  await expect(ask(one, { what: 'show', id })).rejects.toMatchObject({ code: 'not_found' })
  await expect(ask(one, { what: 'sing' } as never)).rejects.toMatchObject({ code: 'invalid_input' })
})

test('or keeps them waiting, where that is declared, until it is dropped', async () => {
  world = new UnitWorld(spaceWith('wait'))
  const one = await world.startReady()
  for (const text of ['no', 'a']) await say(one, text)
  await say(one, 'b', 'bob')
  await world.until(() => one.unit.status().reactions?.dead === 1 && textsOf(one, 'bob').length > 0)
  await world.clock.advance(5000)
  expect(textsOf(one)).toEqual([])
  const dead = await ask<OutboxAnswers['list']>(one, { what: 'list', state: 'dead', limit: 1 })
  await ask(one, { what: 'drop', ids: dead.entries.map(({ id }) => id) })
  await world.until(() => isIdle(one))
  expect(textsOf(one)).toEqual(['a'])
})

test('a handler that is wrong is tried as often as it says, then it is a dead letter', async () => {
  const one = await world.startReady()
  await say(one, 'fault')
  await world.until(() => one.unit.status().reactions?.dead === 1)
  expect((await all(one)).entries[0]).toMatchObject({ attempts: 3, state: 'dead' })
  expect(one.unit.status().reactions?.retried).toBe(3)
})

test('a mapping that is wrong is told as a fault of the application, once, and is a dead letter', async () => {
  const one = await world.startReady()
  isMapped = false
  await say(one, 'a')
  await world.until(() => one.unit.status().reactions?.dead === 1)
  await world.clock.advance(60_000)
  const faults = one.events.filter(({ kind }) => kind === 'application_fault')
  expect(faults).toHaveLength(1)
  expect(faults[0]?.message).toMatch(/reaction noting: .*text/)
  isMapped = true
  const [{ id = '' } = {}] = (await all(one)).entries
  await ask(one, { what: 'replay', ids: [id] })
  await world.until(() => isIdle(one))
  expect(textsOf(one)).toEqual(['a'])
})

test('a payload that is not what the event is declared to tell is a dead letter', async () => {
  const one = await world.startReady()
  await world.settled(one.unit.execute('tellWrong', { to: 'ann' }))
  await world.until(() => one.unit.status().reactions?.dead === 1)
  expect((await all(one)).entries[0]?.fault).toMatch(/payload of Told .*text/)
})

test('a full outbox refuses what would add to it, and nothing else', async () => {
  const one = await world.startReady({ outboxMax: 2, reactionsMax: 1 })
  isMapped = false
  await say(one, 'a', 'x')
  await say(one, 'b', 'y')
  await expect(say(one, 'c', 'z')).rejects.toMatchObject({
    ...{ code: 'outbox_full', retryable: true, details: { event: 'Told', max: 2 } },
  })
  await world.settled(one.unit.execute('note', { to: 'ann', text: 'd' }))
  expect(textsOf(one)).toEqual(['d'])
})

test('what has become of an entry is written by the first one only', async () => {
  const one = await world.startReady({ reactionsMax: 0 })
  await say(one, 'a')
  const [{ id = '' } = {}] = (await all(one)).entries
  const { entry } = await ask<OutboxAnswers['show']>(one, { what: 'show', id })
  const turn = (next: object | null) =>
    world.settled(one.unit.begin(turnReaction, { id, turn: 0, next }, {}))
  const changed = { ...entry, turn: 1, attempts: 1 }
  expect((await turn(changed)).result).toEqual({ isDone: true })
  expect((await turn(null)).result).toEqual({ isDone: false })
  expect((await all(one)).entries).toMatchObject([{ id, attempts: 1 }])
})
