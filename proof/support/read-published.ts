import type { LogName } from '@spacegrid/grid/core/log-name'
import { streams } from '@spacegrid/grid/engine/wire/subjects'
import { connect, type JsMsg, type NatsConnection } from 'nats'
import { waitFor } from './wait-for.ts'

/** A domain event as it is published. */
export interface PublishedEvent {
  readonly subject: string
  readonly id: string | undefined
  readonly json: {
    readonly name: string
    readonly payload: unknown
    readonly position: unknown
    readonly version: unknown
  }
}

const readMsMax = 10_000

/**
 * Domain events of ticketing, as a consumer in any language has them, once the last of them is the
 * last that somebody else has been told by then.
 */
export async function readPublished(
  natsUrl: string,
  told: () => readonly unknown[],
  logName: LogName = 'ticketing',
): Promise<PublishedEvent[]> {
  const nc = await connect({ servers: natsUrl })
  const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)
  try {
    return await waitFor(
      async () => {
        const events = await readAll(nc, logName)
        return isSame(events.at(-1)?.json, told().at(-1)) ? events : undefined
      },
      { what: 'the same last event in both', timeoutMs: 30_000 },
    )
  } finally {
    await nc.close()
  }
}

/** What is there now. */
async function readAll(nc: NatsConnection, logName: LogName): Promise<PublishedEvent[]> {
  const stream = streams.events(logName)
  const { state } = await (await nc.jetstreamManager()).streams.info(stream)
  const events: PublishedEvent[] = []
  if (state.messages === 0) return events
  const consumer = await nc.jetstream().consumers.get(stream)
  const messages = await consumer.consume()
  // A server that is away gives nothing: then it is tried again.
  const timer = setTimeout(() => messages.stop(), readMsMax)
  for await (const message of messages) {
    events.push(eventOf(message))
    if (message.seq >= state.last_seq) break
  }
  clearTimeout(timer)
  return events
}

const eventOf = (message: JsMsg): PublishedEvent => ({
  subject: message.subject,
  id: message.headers?.get('Nats-Msg-Id'),
  json: message.json<PublishedEvent['json']>(),
})
