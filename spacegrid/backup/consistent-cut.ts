import { isGridError } from '@spacegrid/grid/core/errors'
import { FrameKind } from '@spacegrid/grid/core/frame'
import { type LogName, spaceOf } from '@spacegrid/grid/core/log-name'
import { isFollowUp, StepKind, type TransactionRecord } from '@spacegrid/grid/core/steps'
import { readRecord } from '@spacegrid/grid/engine/replica/record-reader'
import { decodeTransactions } from '@spacegrid/grid/engine/wire/frame-codec'
import type { RecordFile } from './record-file.ts'

/** By log: its position there. */
export type Cut = ReadonlyMap<LogName, number>

/** How far a command across partitions has come with a record. */
const Stage = { prepared: 0, decided: 1, finished: 2, forgotten: 3 } as const

interface Event {
  readonly log: LogName
  readonly position: number
  readonly stage: number
}

const eventsAtOnce = 1000

/**
 * The cut, moved on where it goes through commands across partitions: what a log has of one follows
 * from what others have of it, which is then in the cut as well. So each is there in all of its
 * partitions, or, prepared and not decided, will be dropped in all. What such a record follows from
 * was stored before it, so the cut is moved by no more than what was under way at its moment.
 */
export async function closedCut(cut: Cut, logs: ReadonlyMap<LogName, RecordFile>): Promise<Cut> {
  const closed = new Map(cut)
  for (const names of Map.groupBy(cut.keys(), spaceOf).values()) {
    if (names.length === 1) continue
    const attempts = new Map<string, Event[]>()
    for (const log of names) {
      const file = logs.get(log)
      if (file) await collect(log, file, attempts)
    }
    while ([...attempts.values()].some((events) => moveOn(closed, events)));
  }
  return closed
}

/** Whether something of an attempt had to be taken in. */
function moveOn(cut: Map<LogName, number>, events: readonly Event[]): boolean {
  const isIn = ({ log, position }: Event) => position <= (cut.get(log) ?? 0)
  const stage = Math.max(...events.filter(isIn).map((event) => event.stage))
  let isMoved = false
  for (const event of events) {
    if (event.stage >= stage || isIn(event)) continue
    cut.set(event.log, event.position)
    isMoved = true
  }
  return isMoved
}

async function collect(
  log: LogName,
  file: RecordFile,
  attempts: Map<string, Event[]>,
): Promise<void> {
  const { first, last } = file.held()
  /** Of frames that come in parts, by origin. */
  const parts = new Map<number, Uint8Array[]>()
  for (let position = first; position <= last; position++) {
    const record = file.recordAt(position)
    const frame = record && readRecord(record.data)
    if (frame && 'kind' in frame && frame.kind === FrameKind.part) {
      const pieces = parts.get(frame.origin) ?? []
      parts.set(frame.origin, pieces)
      // A copy: what it is a view of shall not be kept.
      pieces.push(new Uint8Array(frame.bytes))
    }
    if (!frame || !('kind' in frame) || frame.kind !== FrameKind.transactions) continue
    const pieces = parts.get(frame.origin) ?? []
    parts.delete(frame.origin)
    if (!frame.across) continue
    const transactions = frame.parts > 0 ? joined(pieces.slice(-frame.parts)) : frame.transactions
    for (const transaction of transactions) {
      const [attempt, stage] = stageOf(transaction) ?? []
      if (attempt === undefined || stage === undefined) continue
      const events = attempts.get(attempt) ?? []
      attempts.set(attempt, events)
      events.push({ log, position, stage })
    }
    if (position % eventsAtOnce === 0) await new Promise((next) => setImmediate(next))
  }
}

/** Parts that are none are passed over by everybody. */
function joined(parts: readonly Uint8Array[]): readonly TransactionRecord[] {
  try {
    return decodeTransactions(parts, true)
  } catch (error) {
    if (isGridError(error, 'record_damaged')) return []
    throw error
  }
}

function stageOf({
  hold,
  steps: [first],
}: TransactionRecord): readonly [attempt: string, stage: number] | undefined {
  if (hold) return [hold.attempt, Stage.prepared]
  if (first === undefined || !isFollowUp(first)) return undefined
  if (first.kind === StepKind.decide) return [first.attempt, Stage.decided]
  return [first.attempt, first.kind === StepKind.finish ? Stage.finished : Stage.forgotten]
}

/** The last position that a log had stored by a time, ms since the epoch. */
export function positionBy(file: RecordFile, time: number): number {
  const { first, last } = file.held()
  let [before, after] = [first - 1, last + 1]
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if ((file.recordAt(middle)?.time ?? 0) <= time) before = middle
    else after = middle
  }
  return before
}
