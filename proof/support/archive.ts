import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import type { Message } from '@spacegrid/grid/engine/ports/messaging'
import { hedgedRequest } from '@spacegrid/grid/engine/replica/hedged-request'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'

/** Asks the data readers for events of ticketing, as they are stored. */
export class Archive implements AsyncDisposable {
  readonly #messaging: NatsMessaging
  readonly #clock = new SystemClock()

  static async open(natsUrl: string): Promise<Archive> {
    return new Archive(await NatsMessaging.open(natsUrl, { name: 'test' }))
  }

  private constructor(messaging: NatsMessaging) {
    this.#messaging = messaging
  }

  /** @throws GridError `request_timeout` when whoever was asked is dead or frozen, `not_found` */
  async askOnce(eventId: string): Promise<unknown> {
    const settings = { timeoutMs: 1000 }
    return parsed(await this.#messaging.request(archive, questionOf(eventId), settings))
  }

  /** As docs/operations.md tells callers to: asks again while nobody answers. */
  async ask(eventId: string): Promise<unknown> {
    const settings = { timeoutMs: 10_000, againMs: 100 }
    const question = questionOf(eventId)
    return parsed(await hedgedRequest(this.#messaging, this.#clock, archive, question, settings))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#messaging.close()
  }
}

const archive = subjects.archive('ticketing')
const questionOf = (key: string) => Buffer.from(JSON.stringify({ cache: 'events', key }))
const parsed = ({ data }: Message): unknown => JSON.parse(Buffer.from(data).toString())
