import type { Accepted, Answer, Rejected } from '../client/index.ts'
import { inParallel } from './in-parallel.ts'
import { sleepUnlessAborted } from './open-loop.ts'

/** Commands at a time: quick, and far from a load of its own. */
const atOnce = 32
const pauseMs = 200

/**
 * Sends every command whose outcome is open again, with its key, until there is a verdict or the
 * signal fires. Those with a verdict leave the map. A refusal for lack of capacity is none: it says
 * nothing about the attempt that went unanswered.
 */
export async function settleOpen<T>(
  open: Map<string, T>,
  signal: AbortSignal,
  ask: (command: T) => Promise<Answer>,
  settled: (command: T, verdict: Accepted | Rejected) => void,
): Promise<void> {
  await inParallel([...open], atOnce, async ([key, command]) => {
    do {
      const answer = await ask(command)
      if (answer.kind === 'accepted' || answer.kind === 'rejected') {
        settled(command, answer)
        open.delete(key)
        return
      }
    } while (await sleepUnlessAborted(pauseMs, signal))
  })
}
