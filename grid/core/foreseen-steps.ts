import { type Evaluation, evaluateSteps, foreseen, isOperation } from './evaluation.ts'
import { withItem } from './grown-list.ts'
import { Overlay } from './overlay.ts'
import { type Operation, type Step, StepKind } from './steps.ts'
import type { View } from './view.ts'

/** What an operation was foreseen to leave, while the handler has not looked at it. */
interface Unseen {
  readonly operation: Operation
  readonly digest: number
}

export type RefusedStep = Extract<Evaluation, { readonly outcome: 'refused' }>

const none: readonly never[] = []

/** In a key's place: a take may change any entry of its cache. */
const anyKey = undefined

/**
 * What the steps of a transaction leave, as it is foreseen over the view that they were made from.
 * An operation that the handler has looked at expects what was foreseen of it: that is validated
 * when it is melded.
 */
export class ForeseenSteps {
  /** With all steps that were applied. */
  readonly view: Overlay
  readonly #id: number
  #applied = 0
  #outcomes: readonly unknown[] = none
  /** By cache and key, so that looking at an entry costs the same however many steps there are. */
  #unseen: Map<number, Map<string | undefined, Unseen[]>> | undefined

  /** @param id the transaction's identity */
  constructor(view: View, id: number) {
    this.view = new Overlay(view)
    this.#id = id
  }

  /** How many steps have been. */
  get applied(): number {
    return this.#applied
  }

  /** One for each step that was applied. */
  get outcomes(): readonly unknown[] {
    return this.#outcomes
  }

  /**
   * Applies those that have not been; undefined: none is refused. One that is refused, and what is
   * behind it, is not applied.
   */
  apply(steps: readonly Step[]): RefusedStep | undefined {
    for (; this.#applied < steps.length; this.#applied++) {
      const step = steps[this.#applied] as Step
      const evaluation = evaluateSteps(this.view, [step], this.#id, this.#applied)
      if (evaluation.outcome === 'refused') return evaluation
      if (evaluation.outcome === 'collided')
        throw new Error('a prediction does not hold over the view it was made from')
      this.#outcomes = withItem(this.#outcomes, evaluation.outcomes[0])
      if (isOperation(step)) this.#foresee(step, foreseen(evaluation.writes, 0))
      for (const write of evaluation.writes)
        this.view.write(write.cache, write.key, write.value, write.version)
    }
    return undefined
  }

  #foresee(operation: Operation, digest: number): void {
    this.#unseen ??= new Map()
    const ofCache = this.#unseen.get(operation.cache) ?? new Map<string | undefined, Unseen[]>()
    this.#unseen.set(operation.cache, ofCache)
    const key = operation.kind === StepKind.take ? anyKey : operation.key
    const ofKey = ofCache.get(key)
    if (ofKey) ofKey.push({ operation, digest })
    else ofCache.set(key, [{ operation, digest }])
  }

  /** The handler sees what they leave in this cache, or of this one entry. */
  see(cache: number, key: string | undefined): void {
    const unseen = this.#unseen?.get(cache)
    if (!unseen) return
    for (const name of key === undefined ? [...unseen.keys()] : [key, anyKey]) {
      for (const { operation, digest } of unseen.get(name) ?? []) operation.expected = digest
      unseen.delete(name)
    }
  }
}
