import { createInbox, headers, type Msg } from 'nats'
import { GridError } from '../../core/errors.ts'
import { faultToGridError, type JetStreamFault, toLogError } from './log-faults.ts'
import type { NatsConnection } from './nats-connection.ts'

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

const doing = 'Not appended'

/**
 * Publishes records and matches the server's acknowledgements. The driver's own publish costs a
 * timer and several promises for each record; here all share one inbox subscription, one timer and
 * one token counter.
 *
 * When the connection ends, everything in flight fails at once with `log_unavailable`: the server
 * may have stored it, and no acknowledgement comes any more.
 */
export class JetStreamPublisher {
  readonly #connection: NatsConnection
  readonly #subject: string
  readonly #timeoutMs: number
  readonly #inbox = `${createInbox()}.`
  /**
   * By reply token, oldest first: all have the same time to live, so the first one always expires
   * first.
   */
  readonly #pending = new Map<string, PendingAppend>()
  readonly #unwatch: () => void
  readonly #acknowledgements: { unsubscribe(): void }
  #token = 0
  #timer: NodeJS.Timeout | undefined

  constructor(connection: NatsConnection, subject: string, timeoutMs: number) {
    this.#connection = connection
    this.#subject = subject
    this.#timeoutMs = timeoutMs
    this.#acknowledgements = connection.driver.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (error === null) this.#acknowledged(message)
        else this.#failAll('NATS does not let the acknowledgements through', error)
      },
    })
    this.#unwatch = connection.watch((connected) => {
      if (!connected) this.#failAll('the connection to NATS was lost')
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
  ): Promise<number> {
    // The driver would keep the bytes and send them once it is connected again, long after the
    // caller has given up.
    if (!this.#connection.connected) return Promise.reject(unavailable('NATS is not connected'))
    const token = (++this.#token).toString(36)
    const reply = this.#inbox + token
    return new Promise((resolve, reject) => {
      try {
        if (expectedLast === undefined) {
          this.#connection.driver.publish(this.#subject, data, { reply })
        } else {
          const said = headers()
          said.set('Nats-Expected-Last-Sequence', String(expectedLast))
          for (const name in message?.headers) said.set(name, message.headers[name] as string)
          const subject = message?.subject ?? this.#subject
          this.#connection.driver.publish(subject, data, { reply, headers: said })
        }
      } catch (error) {
        reject(toLogError(error, doing))
        return
      }
      this.#pending.set(token, { resolve, reject, deadline: performance.now() + this.#timeoutMs })
      this.#timer ??= setTimeout(this.#expire, this.#timeoutMs).unref()
    })
  }

  close(): void {
    this.#unwatch()
    this.#acknowledgements.unsubscribe()
    this.#failAll('the log is closed')
  }

  #acknowledged(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length)
    const append = this.#pending.get(token)
    // An acknowledgement that comes after its time: the caller has been told "unknown" already.
    if (append === undefined) return
    this.#pending.delete(token)
    const ack = acknowledgementOf(message)
    if (ack instanceof GridError) append.reject(ack)
    else append.resolve(ack)
  }

  readonly #expire = (): void => {
    this.#timer = undefined
    const now = performance.now()
    for (const [token, append] of this.#pending) {
      if (append.deadline > now) {
        this.#timer = setTimeout(this.#expire, append.deadline - now + 1).unref()
        return
      }
      this.#pending.delete(token)
      append.reject(unavailable(`no acknowledgement within ${this.#timeoutMs} ms`))
    }
  }

  #failAll(reason: string, cause?: Error): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const append of pending) append.reject(unavailable(reason, cause))
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
