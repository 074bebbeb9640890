import { GridError } from '@spacegrid/grid/core/errors'
import { type Frame, FrameKind } from '@spacegrid/grid/core/frame'
import type { TransactionRecord } from '@spacegrid/grid/core/steps'
import type { LogRecord } from '@spacegrid/grid/engine/ports/log'
import { readRecord } from '@spacegrid/grid/engine/replica/record-reader'

const firstBytesMax = 32

const kindOf = ({ kind }: Frame): string =>
  Object.entries(FrameKind).find(([, number]) => number === kind)?.[0] ?? String(kind)

/** What a record is, a line for each of its fields. */
export const recordText = (record: LogRecord): string =>
  recordFields(record)
    .map(([name, text]) => `${name.padEnd(13)}${text}\n`)
    .join('')

/** The same by name, for programs. */
export const recordData = (record: LogRecord): Readonly<Record<string, string>> =>
  Object.fromEntries(recordFields(record))

/** Values of entries are not shown. */
function recordFields({ position, time, data }: LogRecord): readonly [string, string][] {
  const lines: [string, string][] = [
    ['position', String(position)],
    ['stored', new Date(time).toISOString()],
    ['size', `${data.byteLength} bytes`],
  ]
  const found = readRecord(data)
  if (found instanceof GridError) {
    const isDamaged = found.code === 'record_damaged'
    lines.push(
      ['is', isDamaged ? 'no frame of any version' : 'a frame of another version'],
      ['because', found.message],
      ['first bytes', Buffer.from(data.subarray(0, firstBytesMax)).toString('hex')],
      ['melded', isDamaged ? 'passed over by all' : 'all that cannot read it stay before it'],
    )
  } else lines.push(['is', `a frame: ${kindOf(found)}`], ...frameLines(found))
  return lines
}

function frameLines(frame: Frame): [string, string][] {
  switch (frame.kind) {
    case FrameKind.join:
      return [['unit', frame.unit]]
    case FrameKind.shape:
      return [['caches', frame.shape.caches.map(({ name }) => name).join(', ')]]
    case FrameKind.skip:
      return [['passes over', String(frame.position)]]
    default: {
      const { origin, id, previous, deadline } = frame
      const place = `frame ${id} of origin ${origin}, after ${previous}, to land by ${deadline}`
      const transactions = frame.kind === FrameKind.transactions ? frame.transactions : []
      const lines: [string, string][] = [['place', place]]
      if (transactions.length > 0) lines.push(['holds', `${transactions.length} transactions`])
      const commands = commandsText(transactions)
      if (commands !== '') lines.push(['commands', commands])
      return lines
    }
  }
}

/** How often each, in the order in which they first come. */
function commandsText(transactions: readonly TransactionRecord[]): string {
  const counts = new Map<string, number>()
  for (const { command } of transactions)
    if (command !== undefined) counts.set(command, (counts.get(command) ?? 0) + 1)
  return Array.from(counts, ([command, count]) => `${command} ${count}`).join(', ')
}
