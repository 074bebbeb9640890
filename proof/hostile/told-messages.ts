import { GridError, Rejection } from '@spacegrid/grid/core/errors'
import type { Caller } from '@spacegrid/grid/doors/request/caller'
import type { Watched } from '@spacegrid/grid/doors/request/live'
import type { LoadTold } from '@spacegrid/grid/engine/load/load-told'
import type { MemoryTold } from '@spacegrid/grid/engine/memory/memory-message'
import type { PastRecord } from '@spacegrid/grid/engine/past/past-record'
import type { PresenceTold } from '@spacegrid/grid/engine/placement/presence-message'
import type { ArchiveRange, StoredEntry } from '@spacegrid/grid/engine/ports/store'
import { encodeHeader } from '@spacegrid/grid/engine/wire/snapshot-codec'
import { header } from '@spacegrid/grid/engine/wire/test-support/any-messages'
import type { PassedAnswer, PassedRequest } from '@spacegrid/runtime/partitions/passed-request'
import fc from 'fast-check'

const count = fc.nat({ max: 1000 })
const text = fc.string({ minLength: 1, maxLength: 20 })
const data = fc.record({ id: fc.constant('a'), list: fc.array(count), nested: fc.jsonValue() })
const maybe = <T>(some: fc.Arbitrary<T>) => fc.option(some, { nil: undefined })

const entry: fc.Arbitrary<StoredEntry> = fc.record({
  ...{ cache: fc.constant('items'), key: fc.constant('a'), value: data },
  ...{ version: count, position: count },
})
const scalar = fc.oneof(text, count, fc.boolean())
const rangeAsked: fc.Arbitrary<ArchiveRange> = fc.record({
  cache: fc.constant('items'),
  fields: fc.constant(['group', 'size']),
  range: fc.record(
    { equals: fc.array(scalar, { maxLength: 2 }), from: scalar, to: scalar, reverse: fc.boolean() },
    { requiredKeys: [] },
  ),
  limit: fc.integer({ min: 1, max: 1000 }),
  beyond: maybe(fc.record({ values: fc.tuple(scalar, scalar), key: text })),
})
const checkpoint = fc
  .record({ header, logIdentity: text, digest: text, entries: count })
  .map(({ header, ...rest }) => ({ position: 7, ...rest, replicated: encodeHeader(header) }))
const log = fc.record({
  ...{ partition: fc.nat({ max: 15 }), answered: count, shed: count, pending: count },
  ...{ limit: count, delayMs: count, tripMs: count, tripMsLeast: count },
  ...{ queriesWaiting: count, hotKeys: count },
})
const load: fc.Arbitrary<LoadTold> = fc.record({
  ...{ id: count, name: text, role: text, ready: fc.boolean(), full: fc.boolean() },
  ...{ busyMs: count, idleMs: count, logs: fc.array(log, { maxLength: 3 }) },
})
const memory: fc.Arbitrary<MemoryTold> = fc.record({
  ...{ id: count, name: text, role: text, share: fc.double({ min: 0, max: 2, noNaN: true }) },
  full: fc.boolean(),
})
const keeps = fc
  .array(
    fc.tuple(
      fc.nat({ max: 15 }),
      fc.constantFrom('joining' as const, 'ready' as const, 'leaving' as const),
    ),
  )
  .map((all) => new Map(all))
const presence: fc.Arbitrary<PresenceTold> = fc.record({
  ...{ id: count, count, role: text, name: text, zone: maybe(text) },
  ...{ weight: fc.double({ min: 0.1, max: 9, noNaN: true }), full: fc.boolean() },
  ...{ stopping: fc.boolean(), gone: fc.boolean(), keeps },
  ...{ partitions: fc.constant(16), copies: fc.constant(2) },
  hot: fc.array(fc.tuple(count, count), { maxLength: 3 }).map((all) => new Map(all)),
})
const past: fc.Arbitrary<PastRecord> = fc.record({
  header: fc.record({
    ...{ first: count, before: count, logIdentity: text, position: count, time: count },
    digest: text,
  }),
  kind: fc.constantFrom('begin' as const, 'part' as const, 'end' as const),
  bytes: fc.uint8Array({ maxLength: 20 }),
  isLast: fc.boolean(),
})
const identity = fc.record({
  ...{ id: text, name: text, kind: fc.constantFrom('key' as const, 'token' as const) },
  ...{ roles: fc.array(text, { maxLength: 2 }), claims: fc.constant({ sub: 'a' }) },
})
const caller = fc.record({
  name: maybe(text),
  origin: fc.record({
    ...{ door: fc.constantFrom('http' as const, 'nats' as const), address: maybe(text) },
    ...{ credential: fc.constant(undefined), trace: fc.constant(undefined) },
  }),
  identity,
})
const anyCaller: fc.Arbitrary<Caller> = fc.oneof(
  caller,
  caller.map(({ name, origin }) => ({ name, origin })),
)
const request: fc.Arbitrary<PassedRequest> = fc.record({
  kind: fc.constantFrom('command' as const, 'query' as const, 'entry' as const, 'watch' as const),
  ...{ partition: fc.nat({ max: 15 }), name: text, input: data, idempotencyKey: maybe(text) },
  acknowledge: fc.constantFrom(undefined, 'accepted' as const, 'persisted' as const),
  ...{ position: maybe(count), latest: fc.boolean(), stalenessMs: maybe(count) },
  ...{ explain: fc.boolean(), caller: maybe(anyCaller), withinMs: maybe(count), id: maybe(text) },
})
const answer: fc.Arbitrary<PassedAnswer> = fc.oneof(
  data.map((answer) => ({ kind: 'answer' as const, answer })),
  fc.constant({ kind: 'elsewhere' as const }),
  fc.tuple(text, count).map(([message, retryAfterMs]) => ({
    kind: 'error' as const,
    error: new GridError('overloaded', message, { details: { a: 1 }, retryAfterMs }),
  })),
  text.map((reason) => ({ kind: 'error' as const, error: new Rejection(reason, { a: 1 }) })),
)

const fault = text.map((message) => new GridError('overloaded', message))
const batch = fc.record({
  position: count,
  answers: fc.array(
    fc.oneof(
      data.map((result) => ({ result })),
      fault.map((error) => ({ error })),
    ),
    { maxLength: 3 },
  ),
})
const watched = fc.record({ position: count, failure: fault }, { requiredKeys: ['position'] })

/** What processes tell each other and what stores hold, as it may be. */
export const toldMessages = {
  ...{ entry, rangeAsked, checkpoint, load, memory, presence, past, request, answer, batch },
  watched: watched as fc.Arbitrary<Watched>,
  entryFound: fc.record({ from: count, to: count, entry: maybe(entry) }),
  rangeFound: fc.record({
    ...{ from: count, to: count, entries: fc.array(entry, { maxLength: 3 }) },
    isWhole: fc.boolean(),
  }),
  image: fc
    .tuple(checkpoint, text, fc.array(text, { maxLength: 3 }))
    .map(([it, build, caches]) => ({ ...it, build, caches })),
  record: fc.tuple(count, fc.uint8Array({ maxLength: 30 })),
}
