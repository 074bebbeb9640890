import type { LogName } from '@spacegrid/grid/core/log-name'
import type { QueuedWindow } from '@spacegrid/grid/engine/changes/window-assembler'
import { recordTracesMax, Spans, type Tracing } from '@spacegrid/grid/engine/ports/tracing'

/** What becomes of windows that belong to traces which are kept. */
export interface StoringSpans {
  /** One attempt at the store's transaction begins. */
  attempt(): Spans
  /** The windows are stored, or not by us. */
  end(failed?: string): void
}

/**
 * Begins to tell of windows that are merged and stored in one transaction.
 * @returns undefined: none of them is in a trace
 */
export function storingSpans(
  tracing: Tracing,
  logName: LogName,
  windows: readonly QueuedWindow[],
): StoringSpans | undefined {
  const parents = windows.flatMap(({ traces = [] }) => traces).slice(0, recordTracesMax)
  if (parents.length === 0) return undefined
  const attributes = { 'spacegrid.space': logName }
  const stored = new Spans(tracing, { name: 'store', kind: 'consumer', attributes }, parents)
  const { traceparents } = stored
  const start = {
    name: 'MongoDB transaction',
    kind: 'client',
    attributes: { 'db.system.name': 'mongodb', 'db.operation.name': 'bulkWrite' },
  } as const
  return {
    attempt: () => new Spans(tracing, start, traceparents),
    end: (failed) => stored.end(failed),
  }
}
