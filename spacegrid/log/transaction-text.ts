import type { IndexRange } from '@spacegrid/grid/core/data-types'
import {
  isFollowUp,
  type KeyRead,
  type RangeRead,
  type RememberStep,
  type Step,
  StepKind,
  type TransactionRecord,
} from '@spacegrid/grid/core/steps'
import type { CacheNames } from './cache-names.ts'

/** What a transaction asks for, in words: what has become of it only melding says. */
export interface TransactionTold {
  readonly command: string | undefined
  readonly idempotencyKey: string | undefined
  /** It was due at a time of its own. */
  readonly isDue: boolean
  readonly reads: readonly string[]
  readonly steps: readonly string[]
  readonly events: readonly string[]
  /** Its part in a command across partitions. */
  readonly part: string | undefined
}

/** How a person names an entry: `orders/order-9`. */
export const entryName = (names: CacheNames, cache: number, key: string): string =>
  `${names.of(cache)}/${key}`

export function transactionTold(
  { command, steps, reads, ranges, events, notBefore, hold }: TransactionRecord,
  names: CacheNames,
): TransactionTold {
  const remembered = rememberedIn(steps)
  return {
    command: command ?? remembered?.command,
    idempotencyKey: remembered?.key,
    isDue: notBefore > 0,
    reads: [
      ...reads.map(({ cache, key, version }) =>
        version === 0
          ? `${entryName(names, cache, key)} (was not there)`
          : entryName(names, cache, key),
      ),
      ...ranges.map((range) => rangeText(range, names)),
    ],
    steps: steps.flatMap((step) => stepText(step, names) ?? []),
    events: events.map(({ name, payload }) => `${name} ${JSON.stringify(payload)}`),
    part: hold
      ? `prepares ${hold.attempt}, which partition ${hold.coordinator} decides for ${hold.participants.join(', ')}`
      : followUpText(steps[0]),
  }
}

/** Whether it reads or writes an entry under a key; `take` says only when it is melded which. */
export const touches = (
  { reads, steps }: TransactionRecord,
  isMeant: (cache: number, key: string) => boolean,
): boolean =>
  reads.some(({ cache, key }: KeyRead) => isMeant(cache, key)) ||
  steps.some((step) => 'cache' in step && 'key' in step && isMeant(step.cache, step.key))

export const rangeText = ({ cache, index, range }: RangeRead, names: CacheNames): string =>
  `${names.of(cache)} by ${names.indexOf(cache, index)} ${boundsText(range)}`

function boundsText({ equals = [], from, after, to, before, limit }: IndexRange): string {
  const parts = [
    equals.length > 0 ? `= ${equals.map((it) => JSON.stringify(it)).join(', ')}` : undefined,
    from === undefined ? undefined : `from ${JSON.stringify(from)}`,
    after === undefined ? undefined : `after ${JSON.stringify(after)}`,
    to === undefined ? undefined : `to ${JSON.stringify(to)}`,
    before === undefined ? undefined : `before ${JSON.stringify(before)}`,
    limit === undefined ? undefined : `first ${limit}`,
  ].filter((part) => part !== undefined)
  return parts.length > 0 ? parts.join(' ') : '(all)'
}

/** undefined: it says nothing of entries. */
function stepText(step: Step, names: CacheNames): string | undefined {
  switch (step.kind) {
    case StepKind.put:
      return `put ${entryName(names, step.cache, step.key)} ${JSON.stringify(step.value)}`
    case StepKind.delete:
      return `delete ${entryName(names, step.cache, step.key)}`
    case StepKind.archive:
      return `take out of memory ${entryName(names, step.cache, step.key)}`
    case StepKind.increment:
      return `increment ${entryName(names, step.cache, step.key)} ${step.field} by ${step.by}`
    case StepKind.append:
      return `append to ${entryName(names, step.cache, step.key)} ${step.field} ${JSON.stringify(step.items)}`
    case StepKind.take:
      return `take ${step.limit} of ${names.of(step.cache)} by ${names.indexOf(step.cache, step.index)} ${boundsText(step.range)}: ${JSON.stringify(step.patch)}`
    default:
      return undefined
  }
}

function followUpText(step: Step | undefined): string | undefined {
  if (!step || !isFollowUp(step)) return undefined
  if (step.kind === StepKind.decide)
    return `decides ${step.attempt}: ${step.verdict}${step.asked ? ', asked by another one' : ''}`
  if (step.kind === StepKind.finish) return `finishes ${step.attempt}: ${step.verdict}`
  return `forgets ${step.attempt}, which all have finished`
}

function rememberedIn(steps: readonly Step[]): RememberStep | undefined {
  const [first] = steps
  if (first?.kind === StepKind.decide) return first.remember
  return steps.findLast((step) => step.kind === StepKind.remember)
}
