import type { Value } from '@spacegrid/grid/core/data-types'
import type { OutboxEntry } from '@spacegrid/grid/core/outbox'
import { type Act, eventUndo, type Process, type ProcessStep } from '@spacegrid/grid/core/process'

/** What trying to do what is next has come to. */
export type Outcome =
  | { readonly kind: 'done'; readonly result: unknown }
  /** It has not been done, and will not be. */
  | { readonly kind: 'refused'; readonly reason: string; readonly details: Value }
  /** One more attempt has failed. */
  | { readonly kind: 'failed'; readonly fault: string }
  /** Trying again is of no use. */
  | { readonly kind: 'dead'; readonly fault: string }

/** What is next of an entry: a step, or the compensation of one. */
export interface NextAct {
  readonly name: string
  readonly act: Act
  readonly isUndo: boolean
  /** undefined: it compensates what the event told of. */
  readonly step: ProcessStep | undefined
}

/** undefined: this version of the application does not know it. */
export function nextAct(process: Process, { step, undo }: OutboxEntry): NextAct | undefined {
  if (undo) {
    const [name = eventUndo] = undo
    const undone = process.steps.find((it) => it.name === name)
    const act = name === eventUndo ? process.undo : undone?.undo
    return act && { name, act, isUndo: true, step: undone }
  }
  const next = step === undefined ? process.steps[0] : process.steps.find((it) => it.name === step)
  return next && { name: next.name, act: next.act, isUndo: false, step: next }
}

/** When a step's time is up, ms since the epoch; undefined: never. */
export function timeIsUpAt({ isUndo, step }: NextAct, { since }: OutboxEntry): number | undefined {
  return isUndo || step?.timeoutMs === undefined ? undefined : since + step.timeoutMs
}

/**
 * What becomes of an entry of the outbox; undefined: all is done. Pure.
 * @param now log time, ms since the epoch
 */
export function progress(
  process: Process,
  entry: OutboxEntry,
  next: NextAct,
  outcome: Outcome,
  now: number,
): OutboxEntry | undefined {
  if (outcome.kind === 'dead') return deadLetter(entry, outcome.fault, now)
  if (next.isUndo) return undoing(process, entry, outcome, now)
  if (outcome.kind === 'done') return forward(process, entry, next, outcome.result, now)
  if (outcome.kind === 'refused') {
    const { reason, details } = outcome
    return failing(process, entry, next, { reason, details }, false, now)
  }
  const { attemptsMax } = process.retry
  const attempts = entry.attempts + 1
  const isLate = (timeIsUpAt(next, entry) ?? Number.POSITIVE_INFINITY) <= now
  if (attempts < attemptsMax && !isLate) return again(entry, attempts, outcome.fault)
  // Of a call nobody knows what it has done: it is compensated with the others. A command that can
  // be neither done nor refused is a matter for people.
  if (next.act.kind === 'command') return deadLetter(entry, outcome.fault, now, attempts)
  const reason = isLate ? 'timed_out' : 'call_failed'
  return failing(process, entry, next, { reason, details: { fault: outcome.fault } }, true, now)
}

const again = (entry: OutboxEntry, attempts: number, fault: string): OutboxEntry => ({
  ...entry,
  turn: entry.turn + 1,
  attempts,
  fault,
})

export const deadLetter = (
  entry: OutboxEntry,
  fault: string,
  now: number,
  attempts = entry.attempts,
): OutboxEntry => ({ ...again(entry, attempts, fault), dead: now })

/**
 * A dead letter is tried again from where it stood. What was refused for certain is a new try,
 * under another id; of everything else nobody knows whether it has been done.
 */
export function revived(entry: OutboxEntry, now: number): OutboxEntry {
  const { dead: _, refused, failure, ...rest } = entry
  const round = refused ? { round: (entry.round ?? 0) + 1 } : {}
  const why = entry.undo && failure ? { failure } : {}
  return { ...rest, ...why, ...round, turn: entry.turn + 1, attempts: 0, since: now }
}

/** Names what is next of an entry, for whoever must not do it twice. */
export const actId = ({ id, round }: OutboxEntry, { name, isUndo }: NextAct): string =>
  `${id}:${name}${isUndo ? ':undo' : ''}${round === undefined ? '' : `:${round}`}`

function forward(
  { steps }: Process,
  entry: OutboxEntry,
  { name }: NextAct,
  result: unknown,
  now: number,
): OutboxEntry | undefined {
  const following = steps[steps.findIndex((step) => step.name === name) + 1]
  if (!following) return undefined
  const { fault: _, ...rest } = entry
  const results = { ...entry.results, [name]: result }
  return { ...rest, results, step: following.name, turn: entry.turn + 1, attempts: 0, since: now }
}

/**
 * A step has failed: those before it are compensated, the last one first, and itself first of all
 * if nobody knows what it has done.
 */
function failing(
  { steps, undo }: Process,
  entry: OutboxEntry,
  { name: step }: NextAct,
  why: { readonly reason: string; readonly details: Value },
  isOpen: boolean,
  now: number,
): OutboxEntry {
  const at = steps.findIndex(({ name }) => name === step)
  const done = steps.slice(0, isOpen ? at + 1 : at).toReversed()
  const names = done.flatMap((one) => (one.undo ? [one.name] : []))
  if (undo) names.push(eventUndo)
  const fault = `${step}: ${why.reason}`
  const failed = { ...entry, failure: { step, ...why }, attempts: 0, since: now }
  return names.length === 0
    ? { ...deadLetter(failed, fault, now), refused: !isOpen }
    : { ...failed, undo: names, turn: entry.turn + 1, fault }
}

function undoing(
  { retry }: Process,
  entry: OutboxEntry,
  outcome: Exclude<Outcome, { kind: 'dead' }>,
  now: number,
): OutboxEntry | undefined {
  if (outcome.kind === 'done') {
    const rest = entry.undo?.slice(1) ?? []
    if (rest.length === 0) return undefined
    return { ...entry, undo: rest, turn: entry.turn + 1, attempts: 0, since: now }
  }
  if (outcome.kind === 'refused')
    return {
      ...deadLetter(entry, `the compensation was refused: ${outcome.reason}`, now),
      refused: true,
    }
  const attempts = entry.attempts + 1
  return attempts < retry.attemptsMax
    ? again(entry, attempts, outcome.fault)
    : deadLetter(entry, outcome.fault, now, attempts)
}
