import { type ChangesPage, kindOf } from '@spacegrid/grid/engine/past/history-page'
import type { EntryChange } from '@spacegrid/grid/engine/past/key-history'
import type { PastReach } from '@spacegrid/grid/engine/past/past-states'

/** What has become of an entry, for people. */
export function historyText({ changes, next, reach }: ChangesPage): string {
  return changes.map(changeText).join('') + endOf(next, reach)
}

function endOf(next: string | undefined, { oldest, oldestTime }: PastReach): string {
  const since = `position ${oldest} (${shown(oldestTime)})`
  if (next !== undefined) return `More: --cursor ${next} (known back to ${since})\n`
  if (oldest === 0) return 'That is all since the log began.\n'
  return `What happened up to ${since} is not known any more.\n`
}

function changeText(change: EntryChange): string {
  const { position, time, before, after, unit, command, idempotencyKey, due } = change
  const by = [
    command === undefined ? undefined : `by ${command}`,
    idempotencyKey === undefined ? undefined : `key ${JSON.stringify(idempotencyKey)}`,
    due ? 'it was due' : undefined,
    unit === undefined ? undefined : `sent by ${unit}`,
  ].filter((text) => text !== undefined)
  return [
    `${position}  ${shown(time)}  ${[kindOf(change), ...by].join(', ')}\n`,
    before ? `  from ${JSON.stringify(before)}\n` : '',
    after ? `  to   ${JSON.stringify(after)}\n` : '',
  ].join('')
}

const shown = (time: number): string => new Date(time).toISOString()

/** The same for programs. */
export const historyData = ({ changes, next, reach }: ChangesPage): object => ({
  changes: changes.map((change) => {
    const { position, time, before, after, transaction, unit, command } = change
    const { idempotencyKey, due } = change
    return {
      ...{ position, time, change: kindOf(change), from: before ?? null, to: after ?? null },
      ...{ transaction, unit, command, idempotencyKey, due },
    }
  }),
  next: next ?? null,
  since: { position: reach.oldest, time: reach.oldestTime },
  position: reach.newest,
})
