import { ReturnFault } from '@spacegrid/grid/core/application-fault'
import { promisesIn, refusePromise } from '@spacegrid/grid/core/callback'
import { nameOf } from '@spacegrid/grid/core/operation-schema'
import type { OutboxEntry } from '@spacegrid/grid/core/outbox'
import type { Process } from '@spacegrid/grid/core/process'

/**
 * By what an event is done behind others: what the application's `key` gives; undefined: each is
 * done by itself.
 * @throws whatever that throws; ReturnFault
 */
export function orderKey({ key }: Process, { payload }: OutboxEntry): string | undefined {
  if (key === undefined) return undefined
  const given: unknown = key(payload as never)
  refusePromise(given)
  if (typeof given !== 'string')
    throw new ReturnFault('', `returned ${nameOf(given)}; a key is a text`, promisesIn(given))
  return given
}

/** The same for who only looks; undefined: none. What is wrong is told when it is to be done. */
export function foreseenKey(process: Process, entry: OutboxEntry): string | undefined {
  try {
    return orderKey(process, entry)
  } catch (thrown) {
    for (const promise of promisesIn(thrown))
      new Promise((resolve) => resolve(promise)).catch(() => undefined)
    return undefined
  }
}
