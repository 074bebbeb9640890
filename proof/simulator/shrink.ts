/** A plan of any kind: it can be cut. */
interface Cuttable {
  readonly steps: readonly unknown[]
}

export interface Shrunk<P> {
  readonly plan: P
  readonly runs: number
}

/** What was violated, without the particulars. */
export const ruleOf = (problem: string): string => problem.slice(0, problem.indexOf(':'))

/**
 * Leaves out of a failing plan whatever is not needed for it to fail in the same way: delta
 * debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002),
 * bounded by the number of runs and by time.
 */
export async function shrink<P extends Cuttable>(
  plan: P,
  rule: string,
  { runsMax, msMax }: { readonly runsMax: number; readonly msMax: number },
  run: (plan: P) => Promise<{ readonly problems: readonly string[] }>,
): Promise<Shrunk<P>> {
  const until = performance.now() + msMax
  let runs = 0
  let smallest = plan
  const fails = async (candidate: P): Promise<boolean> => {
    runs++
    const { problems } = await run(candidate)
    const failsAlike = problems.some((problem) => ruleOf(problem) === rule)
    if (failsAlike) smallest = candidate
    return failsAlike
  }
  const isOver = () => runs >= runsMax || performance.now() > until
  for (let pieces = 2; smallest.steps.length > 1 && !isOver(); ) {
    const { steps } = smallest
    const size = Math.ceil(steps.length / pieces)
    let isSmaller = false
    for (let from = 0; from < steps.length && !isSmaller && !isOver(); from += size)
      isSmaller = await fails({ ...smallest, steps: without(steps, from, size) })
    if (isSmaller) pieces = Math.max(2, pieces - 1)
    else if (size === 1) break
    else pieces = Math.min(steps.length, pieces * 2)
  }
  return { plan: smallest, runs }
}

const without = <S>(steps: readonly S[], from: number, count: number): S[] =>
  steps.filter((_, at) => at < from || at >= from + count)
