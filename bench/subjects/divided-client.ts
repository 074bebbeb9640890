import { logNameOf } from '@spacegrid/grid/core/log-name'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { DividedKeys } from '../partitions/divided-space.ts'
import type { Subject } from '../processes/subject.ts'

export interface DividedClientOptions {
  readonly natsUrl: string
  readonly space: string
  readonly partitions: number
  readonly entries: number
}

/** What became of the commands to one partition while a unit was killed. */
export interface Probed {
  readonly acknowledged: number
  /** As a query says afterwards. */
  readonly counted: number
  /** ms from the kill to the first answer to a command that was sent after it. */
  readonly answeredMs: number
}

const timeoutMs = 10_000
/** A request that went to the killed unit is not answered by anybody. */
const probeTimeoutMs = 300

/**
 * A caller of a space's NATS services that knows the partitions: what is asked goes to one of those
 * that keep what it is about.
 */
export async function open(options: DividedClientOptions): Promise<Subject> {
  const { natsUrl, space, partitions, entries } = options
  const messaging = await NatsMessaging.open(natsUrl, { name: 'bench client' })
  const keys = new DividedKeys(entries, partitions)
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  const logNameAt = (partition: number) => (partitions === 1 ? space : logNameOf(space, partition))
  const send = (subject: string, input: object, headers: Record<string, string>, within: number) =>
    messaging.request(subject, Buffer.from(JSON.stringify(input)), { timeoutMs: within, headers })
  const touch = (itemId: string, headers: Record<string, string> = {}, within = timeoutMs) => {
    const subject = subjects.command(logNameAt(keys.partitionOf(itemId)), 'touch')
    return send(subject, { itemId, by: 1 }, headers, within)
  }
  const probes = new Probes(async (partition, key) => {
    await touch(keys.keyAt(0, [partition]), { 'Idempotency-Key': key }, probeTimeoutMs)
  }, partitions)
  return {
    operations: { touch: (turn) => touch(keys.keyAt(turn, all)) },
    requests: {
      startProbes: () => probes.start(),
      /** @param sinceMs when it was; now everybody knows that it has happened */
      killed: (sinceMs: number) => probes.killed(sinceMs),
      /** Waits until every partition has answered, and all that is open is known. */
      probed: async (): Promise<Probed[]> => {
        const found = await probes.stop()
        return await Promise.all(
          found.map(async (one, partition) => {
            const subject = subjects.query(logNameAt(partition), 'item')
            const itemId = keys.keyAt(0, [partition])
            const headers = { 'Grid-Consistency': 'latest' }
            const { data } = await send(subject, { itemId }, headers, timeoutMs)
            const { result } = JSON.parse(Buffer.from(data).toString())
            return { ...one, counted: result.count }
          }),
        )
      },
    },
    close: () => messaging.close(),
  }
}

/** One command after the other to each partition, each repeated with its key until it is known. */
class Probes {
  readonly #send: (partition: number, key: string) => Promise<void>
  readonly #partitions: number
  #run = 0
  #killedAt = 0
  /** What is sent from now on can be answered by those that are left only. */
  #knownAt = Number.POSITIVE_INFINITY
  #running: Promise<Omit<Probed, 'counted'>>[] = []
  #stopping = false

  constructor(send: (partition: number, key: string) => Promise<void>, partitions: number) {
    this.#send = send
    this.#partitions = partitions
  }

  start(): void {
    this.#run++
    this.#stopping = false
    this.#knownAt = Number.POSITIVE_INFINITY
    this.#running = Array.from({ length: this.#partitions }, (_, at) => this.#probe(at))
  }

  killed(sinceMs: number): void {
    this.#knownAt = performance.now()
    this.#killedAt = this.#knownAt - sinceMs
  }

  async stop(): Promise<Omit<Probed, 'counted'>[]> {
    this.#stopping = true
    return await Promise.all(this.#running)
  }

  async #probe(partition: number): Promise<Omit<Probed, 'counted'>> {
    let acknowledged = 0
    let answeredMs: number | undefined
    while (!this.#stopping || answeredMs === undefined) {
      const sentAt = performance.now()
      await this.#untilKnown(partition, `${this.#run}-${partition}-${acknowledged}`)
      acknowledged++
      if (sentAt >= this.#knownAt) answeredMs ??= performance.now() - this.#killedAt
    }
    return { acknowledged, answeredMs }
  }

  async #untilKnown(partition: number, key: string): Promise<void> {
    for (;;)
      try {
        await this.#send(partition, key)
        return
      } catch {
        // Nobody there, or no answer: what became of it is asked with the same key, a moment later.
        await new Promise((wake) => setTimeout(wake, 5))
      }
  }
}
