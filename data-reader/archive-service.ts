import { GridError } from '@spacegrid/grid/core/errors'
import { dashed, type LogName } from '@spacegrid/grid/core/log-name'
import { parseJsonInput } from '@spacegrid/grid/doors/request/json-input'
import type { Messaging, Subscription } from '@spacegrid/grid/engine/ports/messaging'
import type { Store } from '@spacegrid/grid/engine/ports/store'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'

/**
 * Answers what the store holds under a key, also for processes that have no replica: JSON in
 * (`{cache, key}`), JSON out (`{value, version, position}`). `not_found` when it holds nothing.
 */
export function serveArchive(
  logName: LogName,
  store: Store,
  messaging: Messaging,
): Promise<Subscription> {
  return messaging.serve({
    name: `spacegrid-${dashed(logName)}-archive`,
    version: '1.0.0',
    description: `Entries of the space ${logName} as they are stored`,
    endpoints: [
      {
        subject: subjects.archive(logName),
        description: '{"cache": …, "key": …}',
        respond: async ({ data }) => {
          const { cache, key } = checked(parseJsonInput(data))
          const entry = await store.get(logName, cache, key)
          if (!entry)
            throw new GridError(
              'not_found',
              `Nothing is stored under ${JSON.stringify(key)} in ${cache}`,
            )
          const { value, version, position } = entry
          return { data: Buffer.from(JSON.stringify({ value, version, position })) }
        },
      },
    ],
  })
}

function checked(input: unknown): { readonly cache: string; readonly key: string } {
  const { cache, key } = (input ?? {}) as Record<string, unknown>
  // The grid's own caches are none of the callers' business; their names begin with an underscore.
  if (typeof cache === 'string' && /^[A-Za-z]\w*$/.test(cache) && typeof key === 'string')
    return { cache, key }
  throw new GridError('invalid_input', 'An archive request has a cache and a key', {
    details: { errors: [{ path: '', message: 'must be {"cache": string, "key": string}' }] },
  })
}
