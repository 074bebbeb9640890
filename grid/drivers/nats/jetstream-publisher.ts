import { headers, type Msg } from 'nats'
import { GridError } from '../../core/errors.ts'
import type { Traceparent } from '../../engine/ports/tracing.ts'
import { faultToGridError, type JetStreamFault, toLogError } from './log-faults.ts'
import type { NatsConnection } from './nats-connection.ts'
import { ReplyInbox } from './reply-inbox.ts'

interface PendingAppend {
  readonly resolve: (position: number) => void
  readonly reject: (error: GridError) => void
  readonly deadline: number
}

export interface PublishedMessage {
  readonly subject: string
  readonly headers: Readonly<Record<string, string>>
}

interface PublishAck {
  readonly seq?: number
  readonly error?: JetStreamFault
}

/** Of a record that belongs to traces: theirs, separated by commas. */
export const tracesHeader = 'Traceparent'

const doing = 'Not appended'

/**
 * Publishes records and matches the server's acknowledgements. They share one inbox, and one timer:
 * all have the same time to live, so the first one always expires first.
 *
 * When the connection ends, everything in flight fails at once with `log_unavailable`: the server
 * may have stored it, and no acknowledgement comes any more.
 */
export class JetStreamPublisher {
  readonly #connection: NatsConnection
  readonly #subject: string
  readonly #timeoutMs: number
  readonly #pending: ReplyInbox<PendingAppend>
  #timer: NodeJS.Timeout | undefined

  constructor(connection: NatsConnection, subject: string, timeoutMs: number) {
    this.#connection = connection
    this.#subject = subject
    this.#timeoutMs = timeoutMs
    this.#pending = new ReplyInbox(connection, {
      answered: (append, message) => {
        const ack = acknowledgementOf(message)
        if (ack instanceof GridError) append.reject(ack)
        else append.resolve(ack)
      },
      lost: (append, cause) => append.reject(lost(cause)),
    })
  }

  /**
   * `data` must not change until the promise settles.
   * @param message its subject and headers, where it is no record of a log
   */
  publish(
    data: Uint8Array,
    expectedLast: number | undefined,
    message?: PublishedMessage,
    traces?: readonly Traceparent[],
  ): Promise<number> {
    // The driver would keep the bytes and send them once it is connected again, long after the
    // caller has given up.
    if (!this.#connection.connected) return Promise.reject(unavailable('NATS is not connected'))
    return new Promise((resolve, reject) => {
      const deadline = performance.now() + this.#timeoutMs
      const reply = this.#pending.expect({ resolve, reject, deadline })
      try {
        if (expectedLast === undefined && !traces) {
          this.#connection.driver.publish(this.#subject, data, { reply })
        } else {
          const said = headers()
          if (expectedLast !== undefined)
            said.set('Nats-Expected-Last-Sequence', String(expectedLast))
          if (traces) said.set(tracesHeader, traces.join(','))
          for (const name in message?.headers) said.set(name, message.headers[name] as string)
          const subject = message?.subject ?? this.#subject
          this.#connection.driver.publish(subject, data, { reply, headers: said })
        }
      } catch (error) {
        this.#pending.take(reply)
        reject(toLogError(error, doing))
        return
      }
      this.#timer ??= setTimeout(this.#expire, this.#timeoutMs).unref()
    })
  }

  close(): void {
    this.#pending.close()
    clearTimeout(this.#timer)
    for (const [reply, append] of this.#pending.waiting) {
      this.#pending.take(reply)
      append.reject(unavailable('the log is closed'))
    }
  }

  readonly #expire = (): void => {
    this.#timer = undefined
    const now = performance.now()
    for (const [reply, append] of this.#pending.waiting) {
      if (append.deadline > now) {
        this.#timer = setTimeout(this.#expire, append.deadline - now + 1).unref()
        return
      }
      this.#pending.take(reply)
      append.reject(unavailable(`no acknowledgement within ${this.#timeoutMs} ms`))
    }
  }
}

function acknowledgementOf(message: Msg): number | GridError {
  // The server's answer when no stream listens on the subject: it has been deleted, or has no
  // leader.
  if (message.data.length === 0) return unavailable('no stream takes records at the moment')
  const ack = message.json<PublishAck>()
  if (ack.error !== undefined) return faultToGridError(ack.error, doing)
  return ack.seq ?? unavailable('the acknowledgement names no position')
}

const unavailable = (reason: string, cause?: Error): GridError =>
  new GridError('log_unavailable', `${doing}: ${reason}`, { cause })

const lost = (cause: Error | undefined): GridError =>
  cause
    ? unavailable('NATS does not let the acknowledgements through', cause)
    : unavailable('the connection to NATS was lost')
