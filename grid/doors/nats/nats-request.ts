import type { Message } from '../../engine/ports/messaging.ts'
import type { Origin } from '../request/caller.ts'
import type { LongAnswers } from '../request/long-answers.ts'
import { type FaultLog, publicError } from '../request/public-error.ts'
import type { Request } from '../request/request.ts'
import { repeatedHeader } from '../request/request-options.ts'
import { type Trace, traceHeaders, traceOf } from '../request/trace.ts'

/** What all requests of one service share. */
export interface NatsRoute {
  readonly log: FaultLog
  readonly longAnswers: LongAnswers
  /** Largest answer. */
  readonly bytesMax: number
}

/**
 * A request that came over messaging. Errors are thrown: messaging sends them in the headers of the
 * answer.
 */
export abstract class NatsRequest<Asked, Answer> implements Request<Asked, Answer, Message> {
  protected readonly message: Message
  protected readonly route: NatsRoute
  #trace: Trace | undefined

  constructor(message: Message, route: NatsRoute) {
    this.message = message
    this.route = route
  }

  get door(): 'nats' {
    return 'nats'
  }

  get address(): undefined {
    return undefined
  }

  get credential(): string | undefined {
    return joined(this.message, 'Authorization')
  }

  get trace(): Trace {
    this.#trace ??= traceIn(this.message)
    return this.#trace
  }

  header(name: string): string | undefined {
    const values = valuesOf(this.message, name)
    if (values === undefined) return undefined
    const { repeated } = this.message
    const again = repeated?.some((key) => key.toLowerCase() === name.toLowerCase())
    if (values.length > 1 || again) throw repeatedHeader(name)
    return values[0]
  }

  headers(name: string): string | undefined {
    return joined(this.message, name)
  }

  abstract input(): unknown
  abstract answer(answer: Answer, asked: Asked): Message | Promise<Message>

  refuse(error: unknown): never {
    throw publicError(error, this.route.log, this.trace)
  }
}

/**
 * Header names are case-sensitive in NATS; callers who write them as in HTTP, in any case, are
 * understood all the same.
 */
function valuesOf({ headers }: Message, name: string): string[] | undefined {
  const lowerCase = name.toLowerCase()
  let values: string[] | undefined
  for (const key in headers)
    if (key.length === name.length && key.toLowerCase() === lowerCase)
      values = [...(values ?? []), headers[key] as string]
  return values
}

const joined = (message: Message, name: string): string | undefined =>
  valuesOf(message, name)?.join(', ')

const traceIn = (message: Message): Trace =>
  traceOf(joined(message, traceHeaders.requestId), joined(message, traceHeaders.traceparent))

/** Of what is no request of the pipeline. */
export const originOf = (message: Message): Origin => ({
  door: 'nats',
  address: undefined,
  credential: joined(message, 'Authorization'),
  trace: traceIn(message),
})
