import { GridError } from '@spacegrid/grid/core/errors'
import { dashed, type LogName } from '@spacegrid/grid/core/log-name'
import { parseJsonInput } from '@spacegrid/grid/doors/request/json-input'
import type { Messaging, Subscription } from '@spacegrid/grid/engine/ports/messaging'
import type { Store } from '@spacegrid/grid/engine/ports/store'
import {
  decodeEntryAsked,
  decodeRangeAsked,
  encodeEntryFound,
  encodeRangeFound,
} from '@spacegrid/grid/engine/wire/archive-messages'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'

/**
 * Answers what the store holds under a key, also for processes that have no replica: JSON in
 * (`{cache, key}`), JSON out (`{value, version, position}`, and `archived` of what has left
 * memory). `not_found` when it holds nothing. Units ask on subjects of their own, and get it
 * exactly.
 * @param isOpen whether others than units are answered
 */
export function serveArchive(
  logName: LogName,
  store: Store,
  messaging: Messaging,
  isOpen = true,
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
          if (!isOpen) throw closed()
          const { cache, key } = checked(parseJsonInput(data))
          const entry = await store.get(logName, cache, key)
          if (!entry)
            throw new GridError(
              'not_found',
              `Nothing is stored under ${JSON.stringify(key)} in ${cache}`,
            )
          const { value, version, position, archived } = entry
          return { data: Buffer.from(JSON.stringify({ value, version, position, archived })) }
        },
      },
      {
        subject: subjects.archivedEntry(logName),
        description: 'For units: an entry, exactly',
        respond: async ({ data }) => {
          const asked = decodeEntryAsked(data)
          const { cache, key } = asked
          const found = await between(logName, store, () => store.get(logName, cache, key))
          return { data: encodeEntryFound({ ...found, entry: found.it }) }
        },
      },
      {
        subject: subjects.archivedRange(logName),
        description: 'For units: entries of a range that have left memory',
        respond: async ({ data }) => {
          const asked = decodeRangeAsked(data)
          const found = await between(logName, store, async () =>
            store.archive ? await store.archive.range(logName, asked) : [],
          )
          const { it: entries } = found
          const bytesMax = messaging.messageBytesMax
          // What a message takes of it: whoever asks goes on behind that.
          for (let count = entries.length; ; count = count >> 1) {
            const some = entries.slice(0, count)
            const isWhole = count === entries.length
            const data = encodeRangeFound({ ...found, entries: some, isWhole })
            if (data.byteLength <= bytesMax || count <= 1) return { data }
          }
        },
      },
    ],
  })
}

const closed = (): GridError =>
  new GridError(
    'forbidden',
    'Units are asked for the archive: here nobody could say who may see what',
  )

/** What is read is of a position between these two. */
async function between<T>(
  logName: LogName,
  store: Store,
  read: () => Promise<T>,
): Promise<{ readonly from: number; readonly to: number; readonly it: T }> {
  const position = async () => Math.max(0, (await store.checkpoint(logName))?.position ?? 0)
  const from = await position()
  const it = await read()
  return { from, to: await position(), it }
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
