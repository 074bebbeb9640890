import { type Static, Type } from 'typebox'
import { withoutForeign } from './compatibility.ts'
import { dataFault } from './data.ts'
import type { Value } from './data-types.ts'
import { defineCommand } from './define.ts'
import type { AnyCommand, Space } from './definition.ts'
import { GridError } from './errors.ts'
import { readingOf, readValue } from './evolution.ts'
import type { Layout } from './layout.ts'
import { Misuse } from './misuse.ts'
import { type Place, placedHash } from './place.ts'
import type { SpaceState } from './space-state.ts'
import type { Cache } from './transaction.ts'
import { checkFits, checkKey } from './validation.ts'

const correctionInput = Type.Object({
  cache: Type.String(),
  key: Type.String(),
  /**
   * The version that is replaced: whoever corrects has seen that one. 0: there must be none. Left
   * out: whatever there is.
   */
  version: Type.Optional(Type.Integer()),
  value: Type.Record(Type.String(), Type.Unknown()),
})

/** An operator's new value for an entry. */
export type Correction = Static<typeof correctionInput>

/** @throws GridError `invalid_input` */
export const checkCorrectionShape = (correction: Correction): void =>
  checkFits(correctionInput, correction, 'correct')

/**
 * What an operator asks for is checked before it runs, for what is wrong in it then is no mistake
 * of the application. The value may be as entries are stored or as they are read. `layout`: of the
 * log's definition, for fields that only other versions know.
 * @throws GridError `unknown_cache`, `invalid_input`, `invalid_key`
 */
export function checkCorrection(space: Space, correction: Correction, layout?: Layout): void {
  checkCorrectionShape(correction)
  const { cache: name, key } = correction
  const cache = cacheNamed(space, name)
  if (!cache)
    throw new GridError('unknown_cache', `Space ${space.name} has no cache ${name}`, {
      details: { known: space.caches.map((it) => it.name) },
    })
  const value = asRead(cache, correction.value)
  if (value[cache.key] !== key)
    throw invalid(
      cache.key,
      `must be ${JSON.stringify(key)}`,
      `The field ${cache.key} must be ${JSON.stringify(key)}: a correction cannot change the key`,
    )
  checkKey(key, `cache ${name}`)
  const its = layout?.named(name)
  checkFits(cache.schema, (its && withoutForeign(value, cache, its)) ?? value, `cache ${name}`)
  const fault = dataFault(value)
  if (fault) throw invalid(fault.path, fault.problem, `cache ${name}: ${fault.message}`)
}

/**
 * The hash of what the entry is partitioned by as it will be.
 * @throws GridError `wrong_partition`, `invalid_input`
 */
export function hashOfCorrection(
  space: Space,
  { cache: name, key, value }: Correction,
  place: Place,
): number | undefined {
  const cache = cacheNamed(space, name)
  if (!cache?.partitionBy) return undefined
  const what = `the entry ${JSON.stringify(key)} of ${name}`
  return placedHash(place, cache.partitionBy, asRead(cache, value), what)
}

function asRead(cache: Cache<Value>, value: Value): Value {
  try {
    return readingOf(cache).make(value)
  } catch (error) {
    if (!(error instanceof Misuse)) throw error
    throw invalid(error.field ?? '', error.message, error.message)
  }
}

const cacheNamed = (space: Space, name: string) =>
  space.caches.find((it) => it.name === name) as Cache<Value> | undefined

const invalid = (path: string, message: string, whole: string): GridError =>
  new GridError('invalid_input', whole, { details: { errors: [{ path, message }] } })

/**
 * A command that every space has: replaces the value of one entry, if that still has the version
 * that the operator has seen. It goes through the log like any other, so that every replica and the
 * store get it; and like any other it is checked against the cache's schema. What the application
 * would do besides (events, other entries) is not done.
 */
export function correctionCommand(space: Space, state: SpaceState): AnyCommand {
  return defineCommand('correct', {
    input: correctionInput,
    handler: (tx, { cache: name, key, version, value }) => {
      const cache = cacheNamed(space, name)
      if (!cache) throw new Error(`cache ${name} was there when the correction was checked`)
      const isAsSeen = () => {
        if (version === undefined) return true
        if (version === 0) return tx.get(cache, key) === undefined
        const layout = state.layout.named(name)
        const entry = layout && state.find(layout.number, key)
        // Another value than the committed one: a command of this unit that is on its way.
        const committed = entry && readValue(cache, entry.value)
        return entry?.version === version && tx.get(cache, key) === committed
      }
      if (!isAsSeen()) return tx.reject('entry_changed', { cache: name, key })
      tx.put(cache, readingOf(cache).make(value))
      return {}
    },
  })
}
