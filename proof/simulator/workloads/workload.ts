import type { Value } from '@spacegrid/grid/core/data-types'
import type { Reader, Space } from '@spacegrid/grid/core/definition'
import type { AnyProjection } from '@spacegrid/grid/core/projection/projection'
import type { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import type { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import type { Told } from '../check/history.ts'
import type { Model } from '../model/model.ts'

/** What a client asks for. */
export interface Ask {
  readonly kind: 'command' | 'query'
  readonly name: string
  readonly input: Value
}

/** What clients have been told and may use later: ids of holds, of orders … */
export class Memory {
  readonly #lists = new Map<string, string[]>()

  remember(kind: string, id: string): void {
    this.#lists.set(kind, [...(this.#lists.get(kind) ?? []), id])
  }

  /** One of them, newer ones rather; something unknown when there is none. */
  recall(kind: string, random: SeededRandom): string {
    const list = this.#lists.get(kind) ?? []
    const back = Math.min(random.below(6), random.below(list.length + 1))
    return list.at(-1 - back) ?? `no-${kind}`
  }
}

/** What a workload that keeps something is told of the run it is in. */
export interface RunContext {
  readonly seed: number
  /** ms since the epoch. */
  now(): number
  /** Entries of a cache, as far as the log goes. */
  entryCount(cache: string): number
  /** A promise is broken: the run ends. */
  fail(rule: string, what: string): void
  count(what: string): void
}

/** A moment between two transactions, told by the sequential model. */
export interface ModelMoment {
  /** Of the command, or of the expiry. */
  readonly name: string
  readonly position: number
  /** Runs a reader over the model as it is now. */
  ask(read: (reader: Reader) => unknown): unknown
}

/**
 * A value that a command replaced without having read it, although it had peeked at it, and it had
 * changed since.
 */
export interface StalePeek {
  readonly cache: string
  readonly key: string
  readonly seen: unknown
  readonly present: unknown
}

/** Looks at a run from inside, for what the application has promised and for its usual mistakes. */
export interface Watch {
  /** The application with handlers that are watched; they do the same. */
  watched(space: Space): Space
  /** Somebody was told what became of a command, or what a query answered. */
  heard(name: string, told: Told | { readonly kind: 'read'; readonly result: unknown }): void
  /** A unit is there to be asked; at the end, when nothing happens any more, all are. */
  inspect(unit: ProcessingUnit, name: string, isEnd: boolean): Promise<void>
  /** A projection is not what the entries would make it, as `problem` says. */
  projected(projection: AnyProjection, problem: string): void
  /** A transaction has been applied to the model. */
  applied?(moment: ModelMoment): void
  replacedUnread?(command: string, stale: StalePeek): void
  /** The end of a run in which all was well until now. */
  ended(model: Model): void
  /** Whatever becomes of the run. */
  close(): void
}

/** An application under simulation, and what its users do. */
export interface Workload {
  readonly name: string
  readonly description: string
  readonly space: Space
  /**
   * A workload that keeps something, for one run: this one is only asked for what is alike in all
   * of them.
   */
  begin?(run: RunContext): Workload
  readonly watch?: Watch
  /** What was asked for in this run, one line each. */
  readonly asked?: readonly string[]
  /** Commands that come first, each until it has succeeded. */
  readonly setup: readonly Ask[]
  /** What somebody does next. */
  next(random: SeededRandom, memory: Memory, nowMs: number): Ask
  /** Somebody has been told a command's result. */
  told?(ask: Ask, result: unknown, memory: Memory): void
  /**
   * Whether it is the application's own mistake: then it must fail with `application_fault`, and
   * nothing else ever does.
   */
  mustFail?(ask: Pick<Ask, 'name'>): boolean
  /**
   * What must be true of every state, whatever the order of the commands. Empty when all is well.
   */
  invariants?(model: Model): string[]
}

export const command = (name: string, input: Value = {}): Ask => ({ kind: 'command', name, input })
export const query = (name: string, input: Value = {}): Ask => ({ kind: 'query', name, input })
