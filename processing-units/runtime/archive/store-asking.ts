import type { LogName } from '@spacegrid/grid/core/log-name'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import type { ArchiveRange } from '@spacegrid/grid/engine/ports/store'
import {
  decodeEntryFound,
  decodeRangeFound,
  type EntryAsked,
  type EntryFound,
  encodeEntryAsked,
  encodeRangeAsked,
  type RangeFound,
} from '@spacegrid/grid/engine/wire/archive-messages'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'

/** Whom to ask: a data reader of one log. */
export interface StoreAsking {
  readonly logName: LogName
  readonly messaging: Messaging
}

/** Longest wait for one answer: another reader may answer the next time. */
const answerMsMax = 2000

/** @throws GridError `no_responder`, `request_timeout`, whatever the store fails with */
export async function askForEntry(
  { logName, messaging }: StoreAsking,
  asked: EntryAsked,
  withinMs: number,
): Promise<EntryFound> {
  const options = { timeoutMs: Math.min(withinMs, answerMsMax) }
  const subject = subjects.archivedEntry(logName)
  const { data } = await messaging.request(subject, encodeEntryAsked(asked), options)
  return decodeEntryFound(data, asked)
}

/** @throws GridError `no_responder`, `request_timeout`, whatever the store fails with */
export async function askForRange(
  { logName, messaging }: StoreAsking,
  asked: ArchiveRange,
  timeoutMs: number,
): Promise<RangeFound> {
  const subject = subjects.archivedRange(logName)
  const { data } = await messaging.request(subject, encodeRangeAsked(asked), { timeoutMs })
  return decodeRangeFound(data, asked.cache)
}
