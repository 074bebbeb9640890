import { type Static, Type } from 'typebox'
import { GridError } from '../errors.ts'
import { defineCommand } from '../space/define.ts'
import type { AnyCommand, Cache, Space, Value } from '../space/definition.ts'
import type { SpaceState } from '../space/space-state.ts'

const correctionInput = Type.Object({
  cache: Type.String(),
  key: Type.String(),
  /** The version that is replaced: whoever corrects has seen that one. */
  version: Type.Integer(),
  value: Type.Record(Type.String(), Type.Unknown()),
})

/** An operator's new value for an entry. */
export type Correction = Static<typeof correctionInput>

/**
 * A command that every space has: replaces the value of one entry, if that still has the version that the operator has seen. It goes
 * through the log like any other, so that every replica and the store get it; and like any other it is checked against the cache's schema. What
 * the application would do besides (events, other entries) is not done.
 */
export function correctionCommand(space: Space, state: SpaceState): AnyCommand {
  return defineCommand('correct', {
    input: correctionInput,
    handler: (tx, { cache: name, key, version, value }) => {
      const cache = space.caches.find((it) => it.name === name) as Cache<Value> | undefined
      if (!cache)
        throw new GridError('unknown_cache', `Space ${space.name} has no cache ${name}`, {
          details: { known: space.caches.map((it) => it.name) },
        })
      if (value[cache.key] !== key)
        throw new GridError(
          'invalid_input',
          `The field ${cache.key} must be ${JSON.stringify(key)}: a correction cannot change the key`,
          { details: { errors: [{ path: cache.key, message: `must be ${JSON.stringify(key)}` }] } },
        )
      const layout = state.layout.named(name)
      const entry = layout && state.find(layout.number, key)
      // Another value than the committed one: a command of this unit that is on its way.
      if (entry?.version !== version || tx.get(cache, key) !== entry.value)
        return tx.reject('entry_changed', { cache: name, key })
      tx.put(cache, value)
      return {}
    },
  })
}
