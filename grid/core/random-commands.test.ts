// biome-ignore-all lint/suspicious/noExportsInTest: what the tests beside this one have in common
import { expect, test } from 'vitest'
import type { Value } from './data-types.ts'
import { defineCache, defineSpace, Type } from './define.ts'
import { Rejection } from './errors.ts'
import { type Evaluation, evaluateSteps } from './evaluation.ts'
import { hashString } from './hash.ts'
import { Recorder } from './recorder.ts'
import { shapeOf } from './shape.ts'
import { SpaceState } from './space-state.ts'
import { fillSlots, type Slots, type Step, StepKind, type TransactionRecord } from './steps.ts'
import type { AnyCache, Transaction } from './transaction.ts'
import { transactionId } from './version.ts'
import { collect, type View } from './view.ts'

const schema = Type.Object({
  id: Type.String(),
  group: Type.String(),
  n: Type.Optional(Type.Number()),
  list: Type.Optional(Type.Array(Type.Unknown())),
})
export const things = defineCache('things', {
  schema,
  key: 'id',
  indexes: { byGroup: ['group', 'n'] },
})
export const tallies = defineCache('tallies', { schema, key: 'id' })
export const shape = shapeOf(defineSpace('test', { caches: [things, tallies] }))
export const laterShape = shapeOf(
  defineSpace('test', {
    caches: [
      defineCache('extras', { schema, key: 'id' }),
      defineCache('things', { schema, key: 'id', indexes: { byN: ['n', 'group'] } }),
    ],
  }),
)

export type Random = (below: number) => number

/** mulberry32. A run is one seed, drawn (and printed, should it fail) by fast-check. */
export const randomOf = (seed: number): Random => {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/**
 * A command that does a few random things; what it puts and returns depends on all it has seen
 * until then.
 */
export interface Command {
  readonly seed: number
  readonly remembered: boolean
  readonly waits: boolean
  attempts: number
  applied: number
}

export const newCommand = (random: Random, waits = random(8) === 0): Command => ({
  seed: random(2 ** 31),
  remembered: random(4) === 0,
  waits,
  attempts: 0,
  applied: 0,
})

function handle(tx: Transaction, { seed }: Command): unknown {
  const random = randomOf(seed)
  let seen = 7
  const see = (what: unknown) => {
    seen = hashString(`${seen}${JSON.stringify(what)}`)
  }
  const outcomes: Record<string, unknown> = {}
  for (let count = 1 + random(4); count > 0; count--) {
    const cache: AnyCache = random(3) === 0 ? tallies : things
    const key = 'abcdef'[random(6)] as string
    const group = ['x', 'y'][random(2)] as string
    const initial: { initial?: Value } =
      random(2) === 0 ? { initial: { id: key, group, n: 0 } } : {}
    const otherwise = `refused${count}`
    const operations = [
      () => tx.increment(cache, key, 'n', random(7) - 3, { ...initial, min: 0, max: 6, otherwise }),
      () => tx.append(cache, key, 'list', [seen], { ...initial, max: 6, otherwise }),
      () => {
        const limit = 1 + random(2)
        const range = { equals: [group], limit, reverse: random(2) === 0 }
        const patch = {
          group: random(3) === 0 ? 'x' : 'y',
          n: random(3) || undefined,
        }
        return tx.take(things as AnyCache, 'byGroup', range, patch, {
          atLeast: random(limit + 1),
          otherwise,
        })
      },
    ]
    const what = random(12)
    if (what < 2) see(tx.get(cache, key))
    else if (what < 4)
      see(tx.range(things, 'byGroup', { equals: [group], ...(random(2) ? { limit: 2 } : {}) }))
    else if (what < 6) tx.put(cache, { id: key, group, n: seen % 5, list: [seen] })
    else if (what < 7) tx.delete(cache, key)
    else if (what < 8) tx.emit('seen', { seen })
    else if (what < 9 && seen % 3 === 0) tx.reject('odd', { seen })
    else {
      const outcome = (operations[random(3)] as () => { predicted: unknown })()
      if (random(3) === 0) see(outcome.predicted)
      else outcomes[`of${count}`] = outcome
    }
  }
  return { ...outcomes, seen }
}

export interface Attempt {
  readonly command: Command
  readonly record: TransactionRecord
  readonly id: number
  readonly data: unknown
  readonly slots: Slots
  readonly rejection: Rejection | undefined
  readonly writes: boolean
}

/** Runs a command over a view, the way a processing unit does. */
export function execute(
  view: View,
  command: Command,
  origin: number,
  number: number,
  notBefore = 0,
): Attempt {
  const id = transactionId(origin, number)
  const recorder = new Recorder(view, { id, now: 0, newId: () => `${id}` })
  let data: unknown
  let slots: Slots = {}
  let rejection: Rejection | undefined
  try {
    ;({ data, slots } = recorder.slots(handle(recorder, command)))
  } catch (error) {
    if (!(error instanceof Rejection)) throw error
    rejection = error
  }
  const { reads, ranges, events } = recorder
  const remember = { kind: StepKind.remember, key: `k${command.seed}`, command: '', input: '' }
  const steps: Step[] = [...recorder.steps]
  if (command.remembered) steps.push({ ...remember, data, slots, expiresAt: 0 })
  const record = { number, reads, ranges, steps, events, notBefore }
  return { command, record, id, data, slots, rejection, writes: recorder.writes && !rejection }
}

/**
 * What a command came to: the same for an attempt decided in the log and for one executed alone.
 */
export function told(attempt: Attempt, evaluation: Evaluation) {
  if (attempt.rejection) return { refused: attempt.rejection.reason }
  if (evaluation.outcome === 'refused') return { refused: evaluation.reason }
  if (evaluation.outcome === 'collided') return 'collided'
  const { data, slots } = attempt
  return { answer: fillSlots(data, slots, evaluation.outcomes), writes: evaluation.writes }
}

/**
 * Everything replicas must agree on: entries, every index by scanning it, origins, time, shape,
 * digest.
 */
export const snapshot = (state: SpaceState) => ({
  header: state.header(),
  digest: state.digest.toString(),
  caches: state.layout.caches.map(({ number, orders }) => ({
    entries: [...state.cache(number).entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1)),
    indexes: orders.map((_, i) => collect(state, number, i, {}).map(({ key }) => key)),
  })),
})

test('random commands do everything a transaction can', () => {
  const state = new SpaceState(shape)
  const done = new Set<string>()
  for (let seed = 1; seed <= 300; seed++) {
    const attempt = execute(state, newCommand(randomOf(seed)), 1, seed)
    const { reads, ranges, steps, events } = attempt.record
    for (const step of steps) {
      done.add(`step ${step.kind}`)
      if ('expected' in step && step.expected !== undefined) done.add(`looked at ${step.kind}`)
    }
    if (reads.length > 0) done.add('get')
    if (ranges.length > 0) done.add('range')
    if (events.length > 0) done.add('emit')
    if (attempt.rejection) done.add(attempt.rejection.reason.replace(/\d/, ''))
    const evaluation = evaluateSteps(state, attempt.rejection ? [] : steps, attempt.id)
    done.add(evaluation.outcome)
    if (evaluation.outcome === 'applied')
      for (const w of evaluation.writes) state.write(w.cache, w.key, w.value, w.version, seed)
  }
  // What follows up a command across partitions no handler does.
  const own = Object.values(StepKind).filter((kind) => kind < StepKind.decide)
  const kinds = own.map((kind) => `step ${kind}`)
  const operations = [StepKind.increment, StepKind.append, StepKind.take]
  const looked = operations.map((kind) => `looked at ${kind}`)
  const others = ['get', 'range', 'emit', 'odd', 'refused', 'applied']
  expect([...done].sort()).toEqual([...kinds, ...looked, ...others].sort())
})
