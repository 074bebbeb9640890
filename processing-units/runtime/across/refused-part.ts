import { type Evaluation, evaluateSteps } from '@spacegrid/grid/core/evaluation'
import type { Step } from '@spacegrid/grid/core/steps'
import type { View } from '@spacegrid/grid/core/view'

/**
 * Place of the part whose operation has refused. Nothing of the transaction has been written, so
 * what was evaluated can be evaluated once more, over what is there.
 * @param begins of each part: the steps before it
 */
export function refusedPart(
  view: View,
  steps: readonly Step[],
  id: number,
  begins: readonly number[],
): number {
  let low = 0
  let high = steps.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    const evaluation: Evaluation = evaluateSteps(view, steps.slice(0, middle + 1), id)
    if (evaluation.outcome === 'refused') high = middle
    else low = middle + 1
  }
  return Math.max(
    0,
    begins.findLastIndex((begin) => begin <= low),
  )
}
