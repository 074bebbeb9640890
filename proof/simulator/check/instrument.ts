import type { CommandContext, QueryContext } from '@spacegrid/grid/core/access'
import type { Value } from '@spacegrid/grid/core/data-types'
import type { AnyCommand, AnyQuery, Reader, Space } from '@spacegrid/grid/core/definition'
import type { AnyCache, Transaction } from '@spacegrid/grid/core/transaction'
import { GridError, Rejection, Type } from 'spacegrid'
import { attemptEvent, type History, recordInto } from './history.ts'

/** The space with handlers that tell the history what they are given; they do exactly the same. */
export function instrument(space: Space, history: History): Space {
  return {
    ...space,
    caches: space.caches.map((cache) => withExpiry(cache, history)),
    commands: new Map([...space.commands].map(([name, one]) => [name, command(one, history)])),
    queries: new Map([...space.queries].map(([name, one]) => [name, query(one, history)])),
  }
}

function command(original: AnyCommand, history: History): AnyCommand {
  return {
    ...original,
    handler: (tx: Transaction, input: Value, context: CommandContext) => {
      const attempt = history.attempt(original.name, input, tx.now)
      const recorded = recordInto(attempt, tx)
      try {
        const data = original.handler(recorded, input, context)
        if (recorded.wrote) tx.emit(attemptEvent, { attempt: attempt.number })
        else attempt.answers = true
        return data
      } catch (error) {
        if (error instanceof Rejection)
          attempt.rejection = { reason: error.reason, details: error.details }
        throw error
      }
    },
  }
}

function withExpiry(cache: AnyCache, history: History): AnyCache {
  const { onExpire } = cache
  if (!onExpire) return cache
  return {
    ...cache,
    onExpire: (tx: Transaction, value: Value) => {
      const attempt = history.attempt(expiryOf(cache.name), value, tx.now)
      const recorded = recordInto(attempt, tx)
      onExpire(recorded, value)
      if (recorded.wrote) tx.emit(attemptEvent, { attempt: attempt.number })
    },
  }
}

/** In the place of a command's name. */
export const expiryOf = (cache: string): string => `expiry of ${cache}`

const nothingThere = Type.Object({ notFound: Type.String() })

function query(original: AnyQuery, history: History): AnyQuery {
  return {
    ...original,
    // That nothing is there is an answer like others: what it was is compared.
    result: original.result && Type.Union([original.result, nothingThere]),
    handler: (read: Reader, input: unknown, context: QueryContext) => {
      history.asked(input, read.now)
      try {
        return original.handler(read, input, context)
      } catch (error) {
        if (error instanceof GridError && error.code === 'not_found')
          return { notFound: error.message }
        throw error
      }
    },
  }
}
