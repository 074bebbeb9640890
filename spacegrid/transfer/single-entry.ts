import { GridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import type { EntryKey } from '@spacegrid/grid/engine/ports/store'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { toTagged } from '@spacegrid/grid/engine/wire/tagged-json'
import type { Environment } from '@spacegrid/grid/program/environment'
import { ownHeaders } from '@spacegrid/grid/program/own-credential'
import { findGrid } from '../audit/audit-targets.ts'
import { logsMeant } from '../audit/logs-meant.ts'
import { type BackedUpState, stateAt } from '../backup/backed-up-state.ts'
import { openedBackup } from '../backup/opened-backup.ts'
import { momentOf, positionOf } from '../backup/restore-point.ts'
import { LogDesk } from '../log/log-desk.ts'

/** An entry as it was. */
export interface FormerEntry {
  readonly log: LogName
  readonly position: number
  readonly value: Readonly<Record<string, unknown>>
}

const answerMs = 30_000

/** What had left memory is found as well. undefined: there was none. */
export async function entryOfBackup(
  folder: string,
  space: string,
  entry: EntryKey,
  to: string | undefined,
): Promise<FormerEntry | undefined> {
  const clock = new SystemClock()
  for (const { run, position } of await openedBackup(folder, [space], to, clock)) {
    const made = await stateAt(folder, run, position, clock, () => undefined)
    const value = await valueIn(made, entry)
    if (value) return { log: run.log, position, value }
  }
  return undefined
}

async function valueIn({ state, archived }: BackedUpState, { cache, key }: EntryKey) {
  const layout = state.layout.named(cache)
  if (!layout) throw new GridError('unknown_cache', `There was no cache ${cache} then`)
  const found = state.peek(layout.number, key)
  if (found) return found.value
  for await (const piece of archived())
    for (const change of piece)
      if (change.cache === cache && change.key === key) return change.value
  return undefined
}

/**
 * As far as the grid keeps its past (`PAST_MS`), in memory. undefined: there was none.
 * @throws GridError `position_out_of_reach`
 */
export async function entryOfPast(
  environment: Environment,
  space: string,
  { cache, key }: EntryKey,
  to: string | undefined,
): Promise<FormerEntry | undefined> {
  const moment = momentOf(to)
  const known = (await findGrid(environment))?.logNames ?? []
  for (const log of logsMeant([space], known)) {
    const desk = await LogDesk.open(environment, log)
    try {
      const { last } = await desk.bounds()
      const position =
        moment === 'last'
          ? last
          : 'time' in moment
            ? await desk.positionAt(moment.time)
            : positionOf(log, moment.token)
      const entry = await desk.entry(position, cache, key)
      if (entry) return { log, position, value: entry.value }
    } finally {
      await desk.close()
    }
  }
  return undefined
}

/** Puts it in the place of whatever is there. Returns the position at which it is there. */
export async function putEntry(
  messaging: Messaging,
  space: string,
  { cache, key }: EntryKey,
  value: FormerEntry['value'],
  environment: Environment,
): Promise<number | string> {
  const data = Buffer.from(JSON.stringify({ cache, key, value: toTagged(value), tagged: true }))
  const headers = ownHeaders(environment)
  const answer = await messaging.request(subjects.correct(space), data, {
    ...{ timeoutMs: answerMs, headers },
  })
  return (JSON.parse(Buffer.from(answer.data).toString()) as { position: number | string }).position
}
