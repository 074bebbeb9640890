import type { AnyCommand } from '@spacegrid/grid/core/definition'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Execution } from './execution.ts'
import { longSteps } from './frame-item.ts'
import type { SentAttempt } from './sent-attempt.ts'

/**
 * A handler that takes longer has others wait for the next turn of the event loop, in which reads
 * are answered first.
 */
const longHandlerMs = 20

/**
 * When executions run: at once, as long as handlers are short; one in each turn of the event loop
 * where they are not; and what has collided when the frame that it collided in is done. Of commands
 * whose transactions are long one is on its way at a time. What waits here is among the executions
 * that are open, and so as bounded as they are.
 */
export class ExecutionTurns {
  readonly #clock: Clock
  readonly #run: (execution: Execution, begun: number) => void
  /** They wait for the next turn, behind one whose handler took long. */
  #later: Execution[] = []
  #resting = false
  /** They run when the frame that is being melded is done. */
  #again: Execution[] = []
  /**
   * Commands whose latest transaction was long; of these one is on its way at a time, the others
   * wait.
   */
  readonly #longCommands = new Set<AnyCommand>()
  #long: SentAttempt | undefined
  #behindLong: Execution[] = []

  /** @param run runs one; it may put it, or others, into turns again */
  constructor(clock: Clock, run: (execution: Execution, begun: number) => void) {
    this.#clock = clock
    this.#run = run
  }

  /** @param begun now, in monotonic ms */
  take(execution: Execution, begun = this.#clock.monotonic()): void {
    if (this.#resting) this.#later.push(execution)
    else this.#runInTurn(execution, begun)
  }

  /** Runs it when the frame that is being melded is done, or the next one. */
  again(execution: Execution): void {
    this.#again.push(execution)
  }

  /** A frame has been melded: what collided in it runs on the state behind it. */
  rerun(): void {
    if (this.#again.length === 0) return
    for (const execution of this.#again.splice(0)) this.take(execution)
  }

  /** Large commands that come together are executed one a turn. */
  #runInTurn(execution: Execution, begun: number): void {
    this.#run(execution, begun)
    if (this.#clock.monotonic() - begun < longHandlerMs) return
    this.#resting = true
    this.#clock.soon(() => {
      this.#resting = false
      while (!this.#resting && this.#later.length > 0)
        this.#runInTurn(this.#later.shift() as Execution, this.#clock.monotonic())
    })
  }

  /** Whether its turn comes when a long transaction that is on its way is decided. */
  waitsBehindLong(execution: Execution): boolean {
    if (this.#long === undefined || !this.#longCommands.has(execution.command)) return false
    this.#behindLong.push(execution)
    return true
  }

  /**
   * What is foreseen of a long transaction takes as long as its handler: a second one that reads
   * what the first has written would have to wait for that in its own turn, and everybody with it.
   */
  sent(attempt: SentAttempt): void {
    const { command } = attempt.execution
    if (attempt.record.steps.length > longSteps) {
      this.#longCommands.add(command)
      this.#long = attempt
    } else if (this.#longCommands.size > 0) this.#longCommands.delete(command)
  }

  /** It has been decided, or given up. */
  ended(attempt: SentAttempt): void {
    if (attempt !== this.#long) return
    this.#long = undefined
    const waiting = this.#behindLong.splice(0)
    // Those behind the first wait for it in turn.
    if (waiting.length > 0)
      this.#clock.soon(() => {
        for (const execution of waiting) this.take(execution)
      })
  }
}
