import type { ListStep, ListTransaction } from '../list-transaction.ts'

interface Event {
  readonly at: number
  readonly isEnd: boolean
  readonly type: 'invoke' | 'ok' | 'fail' | 'info'
  readonly process: number
  readonly value: readonly (readonly [string, string, unknown])[]
}

/**
 * A history of lists as Elle and what reads the same take it: JSON, an event a line, so that others
 * than `judgeLists` can judge it. There a process that does not know an outcome does nothing more:
 * a client that goes on is another one from then.
 */
export function elleHistory(history: readonly ListTransaction[]): string {
  const events: Event[] = []
  const processes = new Map<number, number>()
  let others = 1 + history.reduce((most, { client }) => Math.max(most, client), 0)
  for (const { client, steps, call, return: end, outcome } of history.toSorted(
    (one, other) => one.call - other.call,
  )) {
    const process = processes.get(client) ?? client
    const asked = steps.map((step) => operationOf(step, false))
    events.push({ at: call, isEnd: false, type: 'invoke', process, value: asked })
    if (end === undefined) {
      processes.set(client, others++)
      events.push({ at: Number.MAX_VALUE, isEnd: true, type: 'info', process, value: asked })
      continue
    }
    const value = outcome === 'ok' ? steps.map((step) => operationOf(step, true)) : asked
    const type = outcome === 'ok' ? 'ok' : 'fail'
    events.push({ at: end, isEnd: true, type, process, value })
  }
  // What ends as another begins is not before it.
  events.sort((one, other) => one.at - other.at || Number(one.isEnd) - Number(other.isEnd))
  return events
    .map(
      ({ type, process, value }, index) => `${JSON.stringify({ index, type, process, value })}\n`,
    )
    .join('')
}

const operationOf = (step: ListStep, isTold: boolean): readonly [string, string, unknown] =>
  'append' in step ? ['append', step.key, step.append] : ['r', step.key, isTold ? step.read : null]
