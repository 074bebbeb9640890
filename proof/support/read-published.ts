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

/**
 * Domain events of ticketing, as a consumer in any language has them, once the last of them is the
 * last that somebody else has been told.
 */
export async function readPublished(
  natsUrl: string,
  told: readonly unknown[],
  logName: LogName = 'ticketing',
): Promise<PublishedEvent[]> {
  const nc = await connect({ servers: natsUrl })
  const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)
  try {
    return await waitFor(
      async () => {
        const events = await readAll(nc, logName)
        return isSame(events.at(-1)?.json, told.at(-1)) ? events : undefined
      },
      { what: 'the same last event in both', timeoutMs: 30_000 },
    )
  } finally {
    await nc.close()
  }
}

async function readAll(nc: NatsConnection, logName: LogName): Promise<PublishedEvent[]> {
  const consumer = await nc.jetstream().consumers.get(streams.events(logName))
  const events: PublishedEvent[] = []
  for await (const message of await consumer.consume()) {
    events.push(eventOf(message))
    if (message.info.pending === 0) break
  }
  return events
}

const eventOf = (message: JsMsg): PublishedEvent => ({
  subject: message.subject,
  id: message.headers?.get('Nats-Msg-Id'),
  json: message.json<PublishedEvent['json']>(),
})
