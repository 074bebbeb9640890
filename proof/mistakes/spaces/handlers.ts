import type { AnyCommand, AnyQuery } from 'spacegrid'
import {
  defineCache,
  defineCommand,
  defineProjection,
  defineQuery,
  defineSpace,
  Type,
} from 'spacegrid'
import { defineSimulation } from 'spacegrid/testing'
import { type Mistake, mistake } from '../mistake.ts'

const notes = defineCache('notes', {
  schema: Type.Object({
    id: Type.String(),
    at: Type.Number(),
    tags: Type.Array(Type.String()),
    count: Type.Integer(),
  }),
  key: 'id',
  indexes: { all: ['id'] },
})
const id = Type.Object({ id: Type.String() })
const tagged = Type.Object({ id: Type.String(), tags: Type.Array(Type.String()) })
const note = (key: string, more: object = {}) => ({ id: key, at: 0, tags: [], count: 0, ...more })

const remove = defineCommand('remove', {
  input: id,
  handler: (tx, { id }) => {
    if (!tx.get(notes, id)) tx.reject('unknown')
    tx.delete(notes, id)
  },
})
const write = defineCommand('write', {
  input: tagged,
  handler: (tx, { id, tags }) => tx.put(notes, note(id, { tags })),
})

/** A space with one command, or one query beside `write`, that is right or wrong. */
const space = (name: string, commands: readonly AnyCommand[], queries: readonly AnyQuery[] = []) =>
  defineSimulation(defineSpace(name, { caches: [notes], commands, queries }))

/** What no type lets through. */
const as = <T>(value: unknown) => value as T

const clockInHandler = (isWrong: boolean) =>
  space('clockInHandler', [
    defineCommand('write', {
      input: id,
      handler: (tx, { id }) => tx.put(notes, note(id, { at: isWrong ? Date.now() : tx.now })),
    }),
  ])

const dateInEvent = (isWrong: boolean) =>
  space('dateInEvent', [
    defineCommand('write', {
      input: id,
      handler: (tx, { id }) => {
        tx.put(notes, note(id))
        tx.emit('Written', { at: (isWrong ? new Date() : new Date(tx.now)).toISOString() })
      },
    }),
  ])

const clockInQuery = (isWrong: boolean) =>
  space(
    'clockInQuery',
    [write],
    [
      defineQuery('age', {
        input: id,
        handler: (read, { id }) => {
          const { at } = read.get(notes, id) ?? read.notFound(id)
          return { ageMs: (isWrong ? Date.now() : read.now) - at }
        },
      }),
    ],
  )

const randomId = (isWrong: boolean) =>
  space('randomId', [
    defineCommand('write', {
      input: Type.Object({}),
      handler: (tx) =>
        tx.put(notes, note(isWrong ? Math.random().toString(36).slice(2) : tx.newId())),
    }),
  ])

const randomUuid = (isWrong: boolean) =>
  space('randomUuid', [
    defineCommand('write', {
      input: Type.Object({}),
      handler: (tx) => tx.put(notes, note(isWrong ? crypto.randomUUID() : tx.newId())),
    }),
  ])

const environment = (isWrong: boolean) => {
  const limit = 5
  return space('environment', [
    defineCommand('write', {
      input: tagged,
      handler: (tx, { id, tags }) => {
        const max = isWrong ? Number(process.env.TAGS_MAX ?? limit) : limit
        if (tags.length > max) tx.reject('too_many')
        tx.put(notes, note(id, { tags }))
      },
    }),
  ])
}

const moduleCounter = (isWrong: boolean) => {
  let next = 0
  return space('moduleCounter', [
    defineCommand('write', {
      input: Type.Object({}),
      handler: (tx) => tx.put(notes, note(isWrong ? `note-${++next}` : tx.newId())),
    }),
  ])
}

const memo = (isWrong: boolean) => {
  const known = new Map<string, number>()
  return space('memo', [
    write,
    defineCommand('count', {
      input: id,
      handler: (tx, { id }) => {
        const before = isWrong ? known.get(id) : undefined
        const count = (before ?? tx.get(notes, id)?.count ?? 0) + 1
        if (isWrong) known.set(id, count)
        tx.put(notes, note(id, { count }))
        return { count }
      },
    }),
  ])
}

const mapOrder = (isWrong: boolean) => {
  const seen = new Map<string, true>()
  return space('mapOrder', [
    defineCommand('vote', {
      input: id,
      handler: (tx, { id }) => {
        seen.delete(id)
        seen.set(id, true)
        const [first = id] = isWrong ? seen.keys() : [id]
        tx.increment(notes, first, 'count', 1, { initial: note(first) })
      },
    }),
  ])
}

const sharedDefault = (isWrong: boolean) => {
  const blank = { at: 0, tags: [] as string[], count: 0 }
  return space('sharedDefault', [
    defineCommand('tag', {
      input: Type.Object({ id: Type.String(), tag: Type.String() }),
      handler: (tx, { id, tag }) => {
        const { tags } = tx.get(notes, id) ?? blank
        if (isWrong && tags === blank.tags) blank.tags.push(tag)
        tx.put(notes, note(id, { tags: isWrong ? blank.tags : [...tags, tag].slice(-5) }))
      },
    }),
  ])
}

const answerOfLater = (isWrong: boolean) => {
  let latest = 0
  return space('answerOfLater', [
    defineCommand('count', {
      input: id,
      handler: (tx, { id }) => {
        latest = (tx.get(notes, id)?.count ?? 0) + 1
        tx.put(notes, note(id, { count: latest }))
        return { count: latest }
      },
      answer: ({ count }) => ({ count: isWrong ? latest : count }),
    }),
  ])
}

const inputSorted = (isWrong: boolean) =>
  space('inputSorted', [
    defineCommand('write', {
      input: tagged,
      handler: (tx, { id, tags }) =>
        tx.put(notes, note(id, { tags: isWrong ? tags.sort() : [...tags].sort() })),
    }),
  ])

const entryChanged = (isWrong: boolean) =>
  space('entryChanged', [
    write,
    defineCommand('count', {
      input: id,
      handler: (tx, { id }) => {
        const entry = tx.get(notes, id) ?? tx.reject('unknown')
        if (isWrong) as<{ count: number }>(entry).count++
        tx.put(notes, isWrong ? entry : { ...entry, count: entry.count + 1 })
      },
    }),
  ])

const promise = (isWrong: boolean) =>
  space('promise', [
    defineCommand('write', {
      input: id,
      handler: as<() => undefined>(
        (tx: { put(cache: unknown, value: object): void }, { id }: { id: string }) => {
          const put = () => tx.put(notes, note(id))
          return isWrong ? Promise.resolve().then(put) : put()
        },
      ),
    }),
  ])

const otherResult = (isWrong: boolean) =>
  space('otherResult', [
    write,
    defineCommand('count', {
      input: id,
      result: Type.Object({ tags: Type.Integer() }),
      handler: (tx, { id }) => {
        const found = tx.get(notes, id)
        return { tags: found ? found.tags.length : isWrong ? as<number>(null) : 0 }
      },
    }),
  ])

const missingEntry = (isWrong: boolean) =>
  space('missingEntry', [
    write,
    remove,
    defineCommand('firstTag', {
      input: id,
      handler: (tx, { id }) => {
        const found = tx.get(notes, id)
        if (!isWrong && !found) tx.reject('unknown')
        return { tag: as<{ tags: string[] }>(found).tags[0] ?? null }
      },
    }),
  ])

const scan = (isWrong: boolean) =>
  space('scan', [
    defineCommand('write', {
      input: id,
      handler: (tx, { id }) => {
        const last = tx.range(notes, 'all', isWrong ? {} : { reverse: true, limit: 1 })
        tx.put(notes, note(id, { count: last.length }))
      },
    }),
  ])

const scanInQuery = (isWrong: boolean) =>
  space(
    'scanInQuery',
    [write],
    [
      defineQuery('all', {
        input: Type.Object({}),
        handler: (read) =>
          read.range(notes, 'all', isWrong ? {} : { limit: 10 }).map(({ id }) => id),
      }),
    ],
  )

const deletions = (isWrong: boolean) => {
  const total = defineProjection('total', {
    of: notes,
    values: ({ fold }) => ({
      count: fold({
        initial: 0,
        add: (count) => count + 1,
        remove: (count) => (isWrong ? count : count - 1),
      }),
    }),
  })
  const query = defineQuery('total', {
    input: Type.Object({}),
    handler: (read) => ({ count: read.get(total, 'all')?.count ?? 0 }),
  })
  return defineSimulation(
    defineSpace('deletions', {
      caches: [notes],
      commands: [write, remove],
      queries: [query],
      projections: [total],
    }),
  )
}

const neverRight = (isWrong: boolean) =>
  space('neverRight', [
    defineCommand('write', {
      input: id,
      handler: (tx, { id }) => {
        const isThere = tx.get(notes, id) !== undefined
        if (isThere !== isWrong) tx.reject('taken')
        tx.put(notes, note(id))
      },
    }),
    remove,
  ])

export const handlerMistakes: readonly Mistake[] = [
  mistake('clock-in-handler', 'the time of an entry is Date.now()', ['clock'], clockInHandler),
  mistake('date-in-event', 'an event carries new Date()', ['clock'], dateInEvent),
  mistake('clock-in-query', 'a query subtracts from Date.now()', ['clock'], clockInQuery),
  mistake('random-id', 'ids come from Math.random()', ['random'], randomId),
  mistake('random-uuid', 'ids come from crypto.randomUUID()', ['random'], randomUuid),
  mistake('environment', 'a limit is read from process.env', ['environment'], environment),
  mistake(
    'module-counter',
    'ids come from a counter of the module',
    ['not repeatable'],
    moduleCounter,
  ),
  mistake('memo', 'a module remembers what it has read', ['not repeatable'], memo),
  mistake('map-order', 'who is least recent in a Map of the module', ['not repeatable'], mapOrder),
  mistake(
    'shared-default',
    'one default list is pushed to',
    ['not repeatable', 'changed in place'],
    sharedDefault,
  ),
  mistake(
    'answer-of-later',
    'an answer tells what the module holds by then',
    ['not repeatable'],
    answerOfLater,
  ),
  mistake(
    'input-sorted',
    'a list of the input is sorted in place',
    ['changed in place'],
    inputSorted,
  ),
  mistake(
    'entry-changed',
    'an entry that was read is counted up in place',
    ['changed in place'],
    entryChanged,
  ),
  mistake('promise', 'a handler returns a promise', ['application fault'], promise),
  mistake(
    'other-result',
    'a result does not fit its schema, now and then',
    ['application fault'],
    otherResult,
  ),
  mistake('missing-entry', 'an entry is taken for granted', ['application fault'], missingEntry),
  mistake('scan', 'a command reads a whole cache', ['unbounded read'], scan),
  mistake('scan-in-query', 'a query reads a whole cache', ['unbounded read'], scanInQuery),
  mistake('deletions', 'a projection does not count what is deleted', ['projection'], deletions),
  mistake('never-right', 'a condition is the wrong way round', ['never succeeds'], neverRight),
]
