import { defineCache, defineCommand, defineSpace, Type } from '@spacegrid/grid/core/define'
import { defineEvent } from '@spacegrid/grid/core/define-event'
import { defineProcess } from '@spacegrid/grid/core/define-process'
import { defineReaction } from '@spacegrid/grid/core/define-reaction'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { expect, test } from 'vitest'
import { anyPromise, anyThrown, anyValue, Chances } from '../test-support/any-value.ts'
import type { OutboxAnswers } from './outbox-desk.ts'

const runs = Number(process.env.FUZZ_RUNS ?? 150)
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

const notes = defineCache('notes', { schema: Type.Object({ id: Type.String() }), key: 'id' })
const told = defineEvent('Told', Type.Object({ id: Type.String() }))
const input = Type.Object({ id: Type.String() })
const tell = defineCommand('tell', { input, handler: (tx, { id }) => tx.emit(told, { id }) })

/** What a callback of this place does in the run at hand: the same however often it is asked. */
let odd: () => unknown = () => undefined
const places = ['key', 'input', 'run', 'undo', 'stepInput', 'handler'] as const
let place: (typeof places)[number] = 'key'
const at = <T>(here: typeof place, usual: T): T => (place === here ? (odd() as T) : usual)

const note = defineCommand('note', { input, handler: () => at('handler', undefined) })
const refuse = defineCommand('refuse', { input, handler: (tx): void => tx.reject('no') })
const retry = { attemptsMax: 2, pauseMs: 10, pauseMsMax: 20 }
const reacting = defineReaction('reacting', {
  ...{ on: told, command: note, retry },
  key: ({ id }) => at('key', id),
  input: ({ id }) => at('input', { id }),
})
const calling = defineProcess('calling', {
  ...{ on: told, retry },
  steps: (steps) =>
    steps
      .call('outside', {
        run: async () => at('run', { n: 1 }),
        undo: async () => at('undo', undefined),
      })
      .command('inside', { command: note, input: ({ event }) => at('stepInput', event) })
      .command('refused', { command: refuse, input: ({ event }) => event }),
})
const space = defineSpace('calls', {
  caches: [notes],
  commands: [tell, note, refuse],
  reactions: [reacting, calling],
})

/** guarantees.md: what an application does wrong is its own fault, and nobody else's. */
test(`whatever the callbacks of reactions do, each comes to an end (seed ${seed})`, {
  timeout: 600_000,
}, async () => {
  const chances = new Chances(new SeededRandom(seed))
  const world = new UnitWorld(space)
  const { unit, events } = await world.startReady()
  for (let run = 0; run < runs; run++) {
    place = chances.oneOf(places)
    const [does, of] = [chances.below(3), chances.below(1_000_000)]
    odd = () => {
      const again = new Chances(new SeededRandom(of))
      if (does === 0) throw anyThrown(again)
      return does === 1 ? anyPromise(again) : anyValue(again)
    }
    await world.settled(unit.execute('tell', { id: `${run}` }))
    await world.until(() => unit.status().reactions?.waiting === 0, 120_000)
    const asked = { what: 'list', state: 'dead', limit: 100 } as const
    const { entries } = (await world.settled(unit.askOutbox(asked))) as OutboxAnswers['list']
    for (const { fault } of entries) expect(fault).toBeTypeOf('string')
    const ids = entries.map(({ id }) => id)
    if (ids.length > 0) await world.settled(unit.askOutbox({ what: 'drop', ids }))
    expect(unit.readiness()).toEqual({ ready: true })
  }
  expect(events.filter(({ kind }) => kind === 'rehydrating')).toEqual([])
  await world.stop()
})

test('a key that is none makes a dead letter, which says so', async () => {
  const world = new UnitWorld(space)
  const { unit } = await world.startReady()
  place = 'key'
  odd = () => undefined
  await world.settled(unit.execute('tell', { id: 'a' }))
  await world.until(() => unit.status().reactions?.dead === 1)
  const { entries } = (await world.settled(
    unit.askOutbox({ what: 'list', state: 'dead', limit: 100 }),
  )) as OutboxAnswers['list']
  expect(entries[0]?.fault).toContain('returned undefined; a key is a text')
  await world.stop()
})
