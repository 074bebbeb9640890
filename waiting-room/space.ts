import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  type Static,
  Type,
} from '@spacegrid/grid/core/define'
import { roomSpaceName } from '@spacegrid/grid/core/waiting-room'

const line = Type.String({ minLength: 1, maxLength: 300 })
const lane = Type.String({ minLength: 1, maxLength: 64 })
const count = Type.Integer({ minimum: 0 })
const time = Type.Integer({ minimum: 0 })
const amount = Type.Number({ minimum: 0 })

/** Places given in one lane of one line. */
const lanes = defineCache('lanes', {
  schema: Type.Object({ key: Type.String(), line, lane, given: count }),
  key: 'key',
  indexes: { byLine: ['line', 'lane'] },
})

const signalCounts = { committed: count, shed: count, finished: count }

/** What units have told of those who were let in. */
const signalsSchema = Type.Object({ line, ...signalCounts })
const signals = defineCache('signals', { schema: signalsSchema, key: 'line' })

const pace = Type.Object({
  window: amount,
  threshold: amount,
  isHeld: Type.Boolean(),
  reducedAtMs: time,
  settledAtMs: time,
  updatedAtMs: time,
  seen: Type.Object(signalCounts),
  finishedPerS: amount,
  committedPerS: Type.Optional(amount),
  disturbedAtMs: Type.Optional(time),
})

const moved = Type.Object({ lane, admitted: count, turn: amount })

const progressSchema = Type.Object({
  line,
  step: count,
  busySinceMs: Type.Optional(time),
  pace,
  lanes: Type.Array(moved),
})

/** How far a line has moved. */
const progress = defineCache('progress', { schema: progressSchema, key: 'line' })

const stepSchema = Type.Object({
  key: Type.String(),
  line,
  lane,
  from: count,
  upTo: count,
  atMs: time,
  claimed: count,
  finished: count,
  forgottenAt: time,
})

/** Places whose turn came at one moment: forgotten when no visit of theirs can be under way. */
const steps = defineCache('steps', {
  schema: stepSchema,
  key: 'key',
  indexes: { byLine: ['line', 'atMs'] },
  expiry: 'forgottenAt',
})

/** Claims that somebody has joined with, and the places that they have brought. */
const claims = defineCache('claims', {
  schema: Type.Object({ key: Type.String(), number: count, forgottenAt: time }),
  key: 'key',
  expiry: 'forgottenAt',
})

const laneKey = (line: string, lane: string): string => `${lane}/${line}`

/**
 * As many places as have been asked for since the last time, in one transaction: a place costs no
 * write of its own, whatever dies none is given twice, and who came later has a later one.
 */
const takePlaces = defineCommand('takePlaces', {
  input: Type.Object({ line, lane, count: Type.Integer({ minimum: 1 }) }),
  result: Type.Object({ upTo: count }),
  handler: (tx, { line, lane, count }) => {
    const key = laneKey(line, lane)
    const initial = { key, line, lane, given: 0 }
    return { upTo: tx.increment(lanes, key, 'given', count, { initial }) }
  },
})

/**
 * A claim brings one place, whoever comes with it and however often: the first one that is kept.
 */
const useClaim = defineCommand('useClaim', {
  input: Type.Object({ key: Type.String(), number: count, until: time }),
  result: Type.Object({ number: count }),
  handler: (tx, { key, number, until }) => {
    const used = tx.get(claims, key)
    if (used) return { number: used.number }
    tx.put(claims, { key, number, forgottenAt: until })
    return { number }
  },
})

const claimed = defineQuery('claimed', {
  input: Type.Object({ key: Type.String() }),
  handler: (read, { key }) => ({ number: read.get(claims, key)?.number ?? 0 }),
})

const visits = Type.Array(Type.Object({ key: Type.String(), claimed: count, finished: count }))

/** What has been seen of those who were let in. */
const countVisits = defineCommand('countVisits', {
  input: Type.Object({ line, ...signalCounts, visits }),
  handler: (tx, { line, visits, ...counts }) => {
    const initial = { line, committed: 0, shed: 0, finished: 0 }
    for (const field of ['committed', 'shed', 'finished'] as const)
      if (counts[field] > 0) tx.increment(signals, line, field, counts[field], { initial })
    for (const { key, claimed, finished } of visits) {
      // Of a visit that is too long ago nobody wants to know any more.
      if (!tx.get(steps, key)) continue
      if (claimed > 0) tx.increment(steps, key, 'claimed', claimed)
      if (finished > 0) tx.increment(steps, key, 'finished', finished)
    }
  },
})

/**
 * Lets the next ones in, if nobody else has done so since: whoever decides has looked at the step
 * before.
 */
const advance = defineCommand('advance', {
  input: Type.Object({
    line,
    step: count,
    isBusy: Type.Boolean(),
    pace,
    lanes: Type.Array(moved),
    rememberMs: count,
  }),
  result: Type.Object({ applied: Type.Boolean() }),
  handler: (tx, { line, step, isBusy, pace, lanes, rememberMs }) => {
    const before = tx.get(progress, line)
    if ((before?.step ?? 0) !== step) return { applied: false }
    for (const { lane, admitted } of lanes) {
      const from = (before?.lanes.find((one) => one.lane === lane)?.admitted ?? 0) + 1
      if (admitted < from) continue
      const key = `${step + 1}/${lane}/${line}`
      const ends = { claimed: 0, finished: 0, forgottenAt: tx.now + rememberMs }
      tx.put(steps, { key, line, lane, from, upTo: admitted, atMs: tx.now, ...ends })
    }
    tx.put(progress, {
      ...{ line, step: step + 1, pace, lanes },
      ...(isBusy ? { busySinceMs: before?.busySinceMs ?? tx.now } : {}),
    })
    return { applied: true }
  },
})

const look = defineQuery('look', {
  input: Type.Object({ line }),
  handler: (read, { line }) => ({
    progress: read.get(progress, line) ?? null,
    signals: read.get(signals, line) ?? null,
    lanes: read.range(lanes, 'byLine', { equals: [line] }),
    steps: read.range(steps, 'byLine', { equals: [line] }),
  }),
})

/**
 * Where lines are kept: a space as any other, in the log before anything is answered, stored in
 * MongoDB, the same for every waiting room.
 */
export const roomSpace = defineSpace(roomSpaceName, {
  description: 'Lines of the waiting room',
  caches: [lanes, signals, progress, steps, claims],
  commands: [takePlaces, useClaim, countVisits, advance],
  queries: [look, claimed],
})

/** What is read of one line. */
export interface LineLook {
  readonly progress: Static<typeof progressSchema> | null
  readonly signals: Static<typeof signalsSchema> | null
  readonly lanes: readonly { readonly lane: string; readonly given: number }[]
  readonly steps: readonly Static<typeof stepSchema>[]
}
