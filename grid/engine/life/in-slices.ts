import type { Clock } from '../ports/clock.ts'

/** Longest piece of work without letting others have a turn. */
const sliceMs = 3

/**
 * Runs work in slices, each in a turn of the clock's, beginning with the next one; its result has a
 * turn of its own. Given up when it is not `wanted` any more.
 */
export function inSlices<T>(
  clock: Clock,
  wanted: () => boolean,
  work: Generator<void, T>,
  then: { readonly done: (result: T) => void; readonly failed: (error: unknown) => void },
): void {
  const inTurn = (run: () => void) =>
    clock.soon(() => {
      if (!wanted()) return
      try {
        run()
      } catch (error) {
        then.failed(error)
      }
    })
  const slice = () => {
    const until = clock.monotonic() + sliceMs
    while (wanted()) {
      const { done, value } = work.next()
      if (done) inTurn(() => then.done(value))
      else if (clock.monotonic() >= until) inTurn(slice)
      else continue
      return
    }
  }
  inTurn(slice)
}
