import type { LogRecord } from '@spacegrid/grid/engine/ports/log'
import type { FrameExplained, TransactionExplained } from './explanation.ts'
import { recordText } from './record-text.ts'

const valuesMax = 400

/** A record and what became of it, for people. */
export function explanationText(
  record: LogRecord,
  { unit, ignored, transactions }: FrameExplained,
): string {
  const lines = [recordText(record)]
  if (unit !== undefined) lines.push(`${'sent by'.padEnd(13)}${unit}\n`)
  if (ignored !== undefined) lines.push(`${'ignored'.padEnd(13)}by every replica: ${ignored}\n`)
  for (const [at, transaction] of transactions.entries())
    lines.push(`\n${at + 1}. ${headText(transaction)}\n`, ...bodyLines(transaction))
  return lines.join('')
}

function headText({ command, idempotencyKey, isDue, outcome, because }: TransactionExplained) {
  const who = [
    command ?? (isDue ? 'what was due' : 'nobody has named it'),
    idempotencyKey === undefined ? undefined : `key ${JSON.stringify(idempotencyKey)}`,
  ].filter((text) => text !== undefined)
  const why = because === undefined ? '' : ` because ${because}`
  return `${who.join(', ')}: ${outcome}${outcome === 'refused' ? `: ${because}` : why}`
}

function bodyLines({ reads, steps, events, part, changes }: TransactionExplained): string[] {
  const line = (what: string) => (text: string) => `   ${what.padEnd(9)}${short(text)}\n`
  return [
    ...(part === undefined ? [] : [part]).map(line('across')),
    ...reads.map(line('read')),
    ...steps.map(line('asked')),
    ...changes
      .map(({ entry, from, to, archived }) =>
        archived
          ? `${entry} has left memory: ${shown(from)}`
          : `${entry} from ${shown(from)} to ${shown(to)}`,
      )
      .map(line('changed')),
    ...events.map(line('event')),
  ]
}

const shown = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value))

const short = (text: string): string =>
  text.length > valuesMax ? `${text.slice(0, valuesMax)}… (${text.length} characters)` : text
