import { GridError, isGridError, Rejection } from '../../core/errors.ts'
import type { Clock } from '../../engine/ports/clock.ts'
import type {
  Message,
  Messaging,
  RequestOptions,
  Responder,
  Service,
  Subscription,
} from '../../engine/ports/messaging.ts'
import { RefusedMessages, type TellRefused } from '../refused-messages.ts'

export interface InProcessMessagingOptions {
  /** Default 8 MiB, like the record limit of the embedded log. */
  readonly messageBytesMax?: number
  /** As of NatsMessaging. */
  readonly onFault?: TellRefused
}

/**
 * Who answers on one subject. Members of one group share the requests, everyone else answers for
 * itself.
 */
interface Answering {
  readonly group: string | undefined
  readonly respond: Responder
}

interface Listening {
  readonly matches: (subject: string) => boolean
  readonly listener: (message: Message) => void
}

/**
 * Messaging between components that live in one process: the embedded default, and every test that
 * needs no server. One object is shared by all of them. Messages arrive a turn later and in order,
 * so that nobody comes to rely on being called at once.
 */
export class InProcessMessaging implements Messaging {
  readonly messageBytesMax: number
  readonly #clock: Clock
  readonly #refused: RefusedMessages
  readonly #isTold: boolean
  readonly #answering = new Map<string, Set<Answering>>()
  readonly #listening = new Set<Listening>()
  #turn = 0
  #closed = false

  constructor(clock: Clock, options: InProcessMessagingOptions = {}) {
    this.#clock = clock
    this.#refused = new RefusedMessages(() => clock.monotonic(), options.onFault)
    this.#isTold = options.onFault !== undefined
    this.messageBytesMax = options.messageBytesMax ?? 8 * 1024 * 1024
  }

  async request(subject: string, data: Uint8Array, options: RequestOptions): Promise<Message> {
    this.#check(data)
    const message: Message = options.headers ? { data, headers: options.headers } : { data }
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(options.timeoutMs, () =>
        reject(
          new GridError('request_timeout', `${subject}: no answer in ${options.timeoutMs} ms`),
        ),
      )
      const settle = (finish: () => void): void =>
        this.#clock.soon(() => {
          timer.cancel()
          finish()
        })
      this.#clock.soon(() => {
        this.#ask(subject, message).then(
          (answer) => settle(() => resolve(answer)),
          (error) => settle(() => reject(asTransported(error))),
        )
      })
    })
  }

  publish(subject: string, data: Uint8Array): void {
    this.#check(data)
    this.#clock.soon(() => {
      for (const { matches, listener } of this.#listening)
        if (matches(subject)) this.#tell(listener, { data }, subject)
    })
  }

  /** Messages that were no message of ours, or that nobody here could do anything with. */
  get refused(): number {
    return this.#refused.count
  }

  #tell(listener: (message: Message) => void, message: Message, subject: string): void {
    try {
      listener(message)
    } catch (error) {
      this.#refused.note(error, subject)
    }
  }

  /** `subject` may hold NATS wildcards: `*` for one token, `>` for all that follow. */
  subscribe(subject: string, listener: (message: Message) => void): Subscription {
    const listening = { matches: subjectMatcher(subject), listener }
    this.#listening.add(listening)
    return { stop: async () => void this.#listening.delete(listening) }
  }

  respond(subject: string, responder: Responder): Subscription {
    return this.#answer(subject, { group: undefined, respond: responder })
  }

  async serve(service: Service): Promise<Subscription> {
    const answers = service.endpoints.map(({ subject, respond }) =>
      this.#answer(subject, { group: service.name, respond }),
    )
    return { stop: async () => void (await Promise.all(answers.map((answer) => answer.stop()))) }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#answering.clear()
    this.#listening.clear()
  }

  #answer(subject: string, answering: Answering): Subscription {
    const all = this.#answering.get(subject) ?? new Set()
    this.#answering.set(subject, all.add(answering))
    return {
      stop: async () => {
        all.delete(answering)
        if (all.size === 0 && this.#answering.get(subject) === all) this.#answering.delete(subject)
      },
    }
  }

  /**
   * The first answer wins, as it would on a network; of each group one member is asked, in turn.
   */
  async #ask(subject: string, message: Message): Promise<Message> {
    const groups = Map.groupBy(this.#answering.get(subject) ?? [], (answering) => answering.group)
    if (groups.size === 0) throw new GridError('no_responder', `Nobody answers on ${subject}`)
    const turn = this.#turn++
    const asked = [...groups].flatMap(([group, members]) =>
      group === undefined ? members : [members[turn % members.length]!],
    )
    return Promise.race(asked.map((answering) => this.#answered(answering, subject, message)))
  }

  async #answered({ respond }: Answering, subject: string, message: Message): Promise<Message> {
    try {
      return await respond(message)
    } catch (error) {
      // Whoever asked gets a bug as its cause: where nobody is told it need not end the process as
      // well.
      if (this.#isTold || isGridError(error)) this.#refused.refusedRequest(error, subject)
      throw error
    }
  }

  #check(data: Uint8Array): void {
    if (this.#closed) throw new GridError('log_unavailable', 'Messaging has been closed')
    if (data.length > this.messageBytesMax)
      throw new GridError(
        'record_too_large',
        `A message takes at most ${this.messageBytesMax} bytes`,
      )
  }
}

/**
 * What arrives of a responder's error: a copy without cause or stack, as a network would carry it.
 */
export function asTransported(error: unknown): GridError {
  if (error instanceof Rejection) return new Rejection(error.reason, error.details)
  if (!isGridError(error))
    return new GridError('internal', 'The responder failed', { cause: error })
  const { code, message, details, retryAfterMs } = error
  return new GridError(code, message, {
    details,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

function subjectMatcher(pattern: string): (subject: string) => boolean {
  if (!/[*>]/.test(pattern)) return (subject) => subject === pattern
  const tokens = pattern.split('.')
  return (subject) => {
    const parts = subject.split('.')
    for (const [at, token] of tokens.entries()) {
      if (token === '>') return parts.length > at
      if (parts[at] === undefined || (token !== '*' && token !== parts[at])) return false
    }
    return parts.length === tokens.length
  }
}
