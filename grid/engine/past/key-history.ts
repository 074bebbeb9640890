import type { Value } from '../../core/data-types.ts'
import type { Write } from '../../core/evaluation.ts'
import type { Frame } from '../../core/frame.ts'
import type { SpaceState } from '../../core/space-state.ts'
import {
  type HoldTerms,
  isFollowUp,
  type RememberStep,
  type Step,
  StepKind,
  type TransactionRecord,
} from '../../core/steps.ts'
import type { ReplicaListener } from '../replica/replica.ts'
import type { Stretch } from './past-states.ts'

/** Place of a change among all of a log: its position, and its number among the key's there. */
export interface ChangePlace {
  readonly position: number
  readonly number: number
}

/** One change of an entry, as the log tells it. */
export interface EntryChange extends ChangePlace {
  /** When the log stored it, ms since the epoch. */
  readonly time: number
  readonly before: Value | undefined
  readonly after: Value | undefined
  /** It has left memory; the store keeps it. */
  readonly archived: boolean
  readonly transaction: number
  /** Name of the unit that has sent it. */
  readonly unit: string | undefined
  /**
   * undefined: nobody's, written by an earlier version, or prepared before where is looked from.
   */
  readonly command: string | undefined
  readonly idempotencyKey: string | undefined
  /** It was due at a time of its own, and nobody's command. */
  readonly due: boolean
}

const isBefore = (one: ChangePlace, other: ChangePlace): boolean =>
  one.position < other.position || (one.position === other.position && one.number < other.number)

/**
 * Collects what has become of one entry while a stretch of the log is melded again: the newest
 * changes before a place, so many.
 */
export class KeyHistory implements Stretch {
  readonly #cache: string
  readonly #key: string
  readonly #before: ChangePlace
  readonly #limit: number
  /** Of the stretches that are over, the newest first. */
  #found: EntryChange[] = []
  /** Of the one that is looked at, the oldest first. */
  #stretch: EntryChange[] = []

  constructor(cache: string, key: string, before: ChangePlace, limit: number) {
    this.#cache = cache
    this.#key = key
    this.#before = before
    this.#limit = limit
  }

  get isFull(): boolean {
    return this.#found.length + this.#stretch.length >= this.#limit
  }

  /** The newest first. */
  get changes(): readonly EntryChange[] {
    return [...this.#found, ...this.#stretch.toReversed()].slice(0, this.#limit)
  }

  begin(state: SpaceState): ReplicaListener {
    this.#found.push(...this.#stretch.splice(0).reverse())
    let frame: Frame | undefined
    let time = 0
    let number = 0
    let writes: { readonly write: Write; readonly before: Value | undefined }[] = []
    const prepared = new PreparedCommands()
    return {
      melding: (melding, _, storedAt) => {
        frame = melding
        time = storedAt
        number = 0
      },
      changed: (write, before) => {
        if (write.key !== this.#key) return
        if (state.layout.cache(write.cache).name === this.#cache) writes.push({ write, before })
      },
      decided: (_, transaction, id, evaluation) => {
        if (evaluation.outcome !== 'applied') return
        const command = prepared.commandOf(transaction)
        if (writes.length === 0) return
        const origin = frame && 'origin' in frame ? state.origins.get(frame.origin) : undefined
        const said = { ...saidOf(transaction), command }
        const told = { ...said, transaction: id, unit: origin?.unit, time }
        for (const { write, before } of writes)
          this.#add({
            ...told,
            ...{ position: state.position, number: number++ },
            ...{ before, after: write.value, archived: write.archived === true },
          })
        writes = []
      },
    }
  }

  #add(change: EntryChange): void {
    if (!isBefore(change, this.#before)) return
    this.#stretch.push(change)
    // Only the newest are wanted.
    if (this.#stretch.length > 2 * this.#limit) this.#stretch.splice(0, this.#limit)
  }
}

function saidOf({ steps, notBefore }: TransactionRecord) {
  return { idempotencyKey: rememberedIn(steps)?.key, due: notBefore > 0 }
}

/** Commands across partitions: what writes is not what they have been prepared with. */
class PreparedCommands {
  /** By attempt. */
  readonly #names = new Map<HoldTerms['attempt'], string>()

  /** The command of a transaction that has been applied: of all, in the order of the log. */
  commandOf({ command, steps, hold }: TransactionRecord): string | undefined {
    if (hold && command !== undefined) this.#names.set(hold.attempt, command)
    const [first] = steps
    if (first === undefined || !isFollowUp(first)) return command ?? rememberedIn(steps)?.command
    const name = this.#names.get(first.attempt)
    // A verdict that comes too early, or is not the first, leaves it as it is.
    if (first.kind !== StepKind.decide) this.#names.delete(first.attempt)
    return name ?? rememberedIn(steps)?.command
  }
}

/** Of a commit across partitions it stands in the verdict. */
function rememberedIn(steps: readonly Step[]): RememberStep | undefined {
  const [first] = steps
  if (first?.kind === StepKind.decide) return first.remember
  return steps.findLast((step) => step.kind === StepKind.remember)
}
