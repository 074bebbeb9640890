import type { Answer, GridClient } from '../../client/index.ts'
import { sleepUnlessAborted } from '../open-loop.ts'
import { inParallel } from './in-parallel.ts'

/** A command that somebody keeps the books of, with what it takes to ask again. */
export interface OpenCommand {
  readonly name: string
  readonly input: unknown
  readonly idempotencyKey: string
  readonly told: (answer: Answer) => void
}

/** Commands at a time: quick, and far from a load of its own. */
const atOnce = 32
const pauseMs = 200

/** Commands whose outcome nobody knows: their answers were lost. */
export class OpenCommands {
  readonly #open = new Set<OpenCommand>()

  /** Tells whoever keeps the books; what has no verdict is asked for again after the run. */
  note(command: OpenCommand, answer: Answer): void {
    if ((answer.kind === 'shed' || answer.kind === 'failed') && answer.outcomeUnknown)
      this.#open.add(command)
    command.told(answer)
  }

  /**
   * Sends each again, with its key, until there is a verdict or the signal fires. A refusal for
   * lack of capacity is none: it says nothing about the attempt that went unanswered.
   */
  async settle(client: GridClient, space: string, signal: AbortSignal): Promise<void> {
    await inParallel([...this.#open], atOnce, async (command) => {
      const { name, input, idempotencyKey, told } = command
      do {
        const answer = await client.answerOfCommand(space, name, input, { idempotencyKey })
        if (answer.kind === 'accepted' || answer.kind === 'rejected') {
          told(answer)
          this.#open.delete(command)
          return
        }
      } while (await sleepUnlessAborted(pauseMs, signal))
    })
  }
}
