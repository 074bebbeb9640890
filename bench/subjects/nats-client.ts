import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { measure } from '../hot-path/measure.ts'
import { keyAt } from '../processes/keys.ts'
import type { Operation, Subject } from '../processes/subject.ts'

export interface NatsClientOptions {
  readonly natsUrl: string
  readonly space: string
  readonly entries: number
}

const timeoutMs = 10_000

/**
 * Callers of a space's NATS services, over one connection, as a program of an application has it.
 */
export async function open({ natsUrl, space, entries }: NatsClientOptions): Promise<Subject> {
  const messaging = await NatsMessaging.open(natsUrl, { name: 'bench client' })
  const key = (turn: number) => keyAt(turn, entries)
  const ask = (subject: string, input: object) =>
    messaging.request(subject, Buffer.from(JSON.stringify(input)), { timeoutMs })
  const query = subjects.query(space, 'item')
  const command = subjects.command(space, 'touch')
  const operations: Record<string, Operation> = {
    query: (turn) => ask(query, { itemId: key(turn) }),
    command: (turn) => ask(command, { itemId: key(turn), by: 1 }),
  }
  return {
    operations,
    requests: {
      measure: (operation: string, concurrency: number, timeMs: number) =>
        measure(operation, operations[operation] as Operation, concurrency, timeMs),
    },
    close: () => messaging.close(),
  }
}
