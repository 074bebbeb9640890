import { isGridError } from '../../core/errors.ts'
import type { LogName } from '../../core/log-name.ts'
import type { Log } from '../ports/log.ts'
import type { Messaging, Subscription } from '../ports/messaging.ts'
import { subjects } from '../wire/subjects.ts'
import { decodeAuditMessage, encodeAuditMessage } from './audit-codec.ts'
import type { AuditMessage } from './audit-message.ts'

/**
 * Where those who compare a space talk to each other. Positions mean something in one log only, so
 * nothing is sent or heard before the log's identity is known; messages may be lost, and what
 * matters is told again.
 */
export class AuditChannel {
  readonly #subject: string
  readonly #log: Log
  readonly #messaging: Messaging
  readonly #receive: (message: AuditMessage) => void
  #subscription: Subscription | undefined
  #identity: string | undefined

  constructor(
    logName: LogName,
    { log, messaging }: { readonly log: Log; readonly messaging: Messaging },
    receive: (message: AuditMessage) => void,
  ) {
    this.#subject = subjects.audit(logName)
    this.#log = log
    this.#messaging = messaging
    this.#receive = receive
  }

  /** Of the log that is talked about; undefined: not known yet. */
  get logIdentity(): string | undefined {
    return this.#identity
  }

  /** Bytes of the largest message. */
  get messageBytesMax(): number {
    return this.#messaging.messageBytesMax
  }

  start(): void {
    this.#subscription = this.#messaging.subscribe(this.#subject, ({ data }) => {
      const message = this.#identity && decodeAuditMessage(this.#identity, data)
      if (message) this.#receive(message)
    })
  }

  async stop(): Promise<void> {
    await this.#subscription?.stop()
    this.#subscription = undefined
  }

  /** Asks for the log's identity. While it cannot be had nothing is compared. */
  async identify(): Promise<void> {
    try {
      this.#identity = (await this.#log.bounds()).identity
    } catch (error) {
      // Not reachable just now: asked again later.
      if (!isGridError(error)) throw error
      this.#identity = undefined
    }
  }

  /** @throws GridError `record_too_large`: it would be lost each time it is told again */
  send(message: AuditMessage): void {
    if (this.#identity === undefined) return
    try {
      this.#messaging.publish(this.#subject, encodeAuditMessage(this.#identity, message))
    } catch (error) {
      // Not connected just now, or closed.
      if (!isGridError(error, 'log_unavailable')) throw error
    }
  }
}
