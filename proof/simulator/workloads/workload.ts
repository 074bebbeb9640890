import type { Space, Value } from '@spacegrid/grid/core/definition'
import type { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
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

/** An application under simulation, and what its users do. */
export interface Workload {
  readonly name: string
  readonly description: string
  readonly space: Space
  /** Commands that come first, each until it has succeeded. */
  readonly setup: readonly Ask[]
  /** What somebody does next. */
  next(random: SeededRandom, memory: Memory, nowMs: number): Ask
  /** Somebody has been told a command's result. */
  told?(ask: Ask, result: unknown, memory: Memory): void
  /** Whether it is the application's own mistake: then it must fail with `application_fault`, and nothing else ever does. */
  mustFail?(ask: Pick<Ask, 'name'>): boolean
  /** What must be true of every state, whatever the order of the commands. Empty when all is well. */
  invariants?(model: Model): string[]
}

export const command = (name: string, input: Value = {}): Ask => ({ kind: 'command', name, input })
export const query = (name: string, input: Value = {}): Ask => ({ kind: 'query', name, input })
