import { GridError, isGridError } from '@spacegrid/grid/core/errors'

/**
 * Asks these partitions, a bounded number at the same time, and gives all answers in their order.
 * As soon as one has failed for good no more are asked. undefined: that of an undivided space.
 * @throws GridError `partitions_unavailable` with all partitions that could not be asked; otherwise
 * what the first of them has failed with
 */
export async function everyOne<Partition extends number | undefined, Answer>(
  partitions: readonly Partition[],
  atOnceMax: number,
  ask: (partition: Partition) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = []
  const missing: number[] = []
  let failure: unknown
  let failed = false
  let next = 0
  const work = async () => {
    while (next < partitions.length && !failed) {
      const at = next++
      const partition = partitions[at] as Partition
      try {
        answers[at] = await ask(partition)
      } catch (error) {
        if (isGridError(error, 'partitions_unavailable')) missing.push(partition ?? 0)
        else if (!failed) {
          failed = true
          failure = error
        }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnceMax, partitions.length) }, work))
  if (failed) throw failure
  if (missing.length === 0) return answers
  missing.sort((one, other) => one - other)
  throw new GridError(
    'partitions_unavailable',
    `Nobody who keeps partition ${missing.join(', ')} answers`,
    { details: { partitions: missing }, retryAfterMs: 500 },
  )
}
