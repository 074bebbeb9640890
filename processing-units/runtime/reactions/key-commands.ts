import type { Value } from '@spacegrid/grid/core/data-types'
import { defineCommand, Type } from '@spacegrid/grid/core/define'
import type { AnyCommand } from '@spacegrid/grid/core/definition'
import type { Cache, Transaction } from '@spacegrid/grid/core/transaction'
import { rememberedCommands } from '../idempotency.ts'

/**
 * In the place of a command that is not to be done any more: under the key of the one that is, so
 * that only one of them takes effect. If the other one has, its answer is given.
 */
export const cancelling = (command: AnyCommand): AnyCommand => ({
  ...command,
  rejections: undefined,
  handler: (tx: Transaction) => tx.reject('timed_out'),
})

const remembered = rememberedCommands as Cache<Value & { readonly expiresAt: number }>

/**
 * What was done under some keys need not be remembered for longer than what callers have done.
 * @param keptMs how long that is, ms
 */
export const forgetting = (keptMs: number): AnyCommand =>
  defineCommand('forgetKeys', {
    input: Type.Object({ keys: Type.Array(Type.String()) }),
    handler: (tx, { keys }) => {
      const expiresAt = tx.now + keptMs
      for (const key of keys) {
        const known = tx.get(remembered, key)
        if (known && known.expiresAt > expiresAt) tx.put(remembered, { ...known, expiresAt })
      }
      return { expiresAt }
    },
  })
