import { isGridError } from '../../core/errors.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import type { Message, Messaging } from '../ports/messaging.ts'

export interface HedgedRequestOptions {
  /** Longest wait for an answer to any of the attempts. */
  readonly timeoutMs: number
  /** While there is no answer it is asked again this often. */
  readonly againMs: number
  /**
   * Only one instance there is can answer: once nobody is there, it has gone, and with it the
   * answers to all attempts. Default: others may answer.
   */
  readonly isOfOne?: boolean
}

/**
 * A request to whichever instance of a service takes it, sent again and again while no answer
 * comes: a frozen instance goes on drawing its share of the requests until the messaging server
 * notices, a later attempt meets another one. The first answer to any attempt counts, so that one
 * that is merely slow is still heard. Only for what does no harm when it is asked twice (Dean and
 * Barroso, *The Tail at Scale*, 2013).
 *
 * @throws GridError what an attempt failed with: at once when no repetition would change it, or
 * nobody else is being waited for
 */
export function hedgedRequest(
  messaging: Messaging,
  clock: Clock,
  subject: string,
  data: Uint8Array,
  { timeoutMs, againMs, isOfOne = false }: HedgedRequestOptions,
): Promise<Message> {
  const deadline = clock.monotonic() + timeoutMs
  return new Promise((resolve, reject) => {
    let timer: Timer | undefined
    let waitingFor = 0
    let refusal: unknown
    const ask = (): void => {
      const leftMs = deadline - clock.monotonic()
      if (leftMs <= 0) return
      waitingFor++
      timer = clock.after(againMs, ask)
      messaging.request(subject, data, { timeoutMs: leftMs }).then(
        (answer) => {
          timer?.cancel()
          resolve(answer)
        },
        (error) => {
          waitingFor--
          // What was answered says more than that nobody else did.
          if (!isGridError(error, 'request_timeout')) refusal = error
          // "Overloaded" may come from the very instance that is at work on an earlier attempt.
          const isGone = isOfOne && isGridError(error, 'no_responder')
          if (waitingFor > 0 && isGridError(error) && error.retryable && !isGone) return
          timer?.cancel()
          reject(refusal ?? error)
        },
      )
    }
    ask()
  })
}
