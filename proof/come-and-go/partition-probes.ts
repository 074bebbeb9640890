import { partitionHash, partitionOfHash } from '@spacegrid/grid/core/partition'
import type { PatientClient } from '../support/patient-client.ts'
import { waitFor } from '../support/wait-for.ts'

const answeredMsMax = 120_000

/**
 * One command after the other to each partition of ticketing: an event that is there is created
 * once more, which is refused by its log, so that an answer says that the partition works.
 */
export class PartitionProbes {
  /** By partition: when the last one was sent that has been answered; ms, monotonic. */
  readonly #answered: { sentAt: number; at: number }[]
  readonly #client: PatientClient
  readonly #work: Promise<unknown>
  #ending = false

  constructor(client: PatientClient, partitions: number) {
    this.#client = client
    this.#answered = Array.from({ length: partitions }, () => ({ sentAt: 0, at: 0 }))
    this.#work = Promise.all(eventsOf(partitions).map((id, at) => this.#probe(at, id)))
    // Whoever waits for the end is told; until then it is no unhandled one.
    this.#work.catch(() => undefined)
  }

  /** ms from that moment until every partition had answered what was sent behind it. */
  async answeredSince(moment: number): Promise<number> {
    const answered = waitFor(() => this.#answered.every(({ sentAt }) => sentAt >= moment), {
      what: 'an answer of every partition',
      timeoutMs: answeredMsMax,
    })
    // What a probe has met is what is to be told, not that there was no answer.
    await Promise.race([answered, this.#work])
    return Math.max(...this.#answered.map(({ at }) => at)) - moment
  }

  async end(): Promise<void> {
    this.#ending = true
    await this.#work
  }

  async #probe(partition: number, eventId: string): Promise<void> {
    const sections = [{ section: 'A', rows: 1, seatsPerRow: 1, price: 1 }]
    const event = { eventId, name: 'Probe', startsAt: 0, sections }
    while (!this.#ending) {
      const sentAt = performance.now()
      const answer = await this.#client.persist('ticketing', 'createEvent', event, answeredMsMax)
      const { status = 0, body } = answer ?? {}
      if (status !== 200 && body?.error?.reason !== 'event_exists')
        throw new Error(`partition ${partition} has answered ${JSON.stringify(answer)}`)
      this.#answered[partition] = { sentAt, at: performance.now() }
    }
  }
}

/** One in each partition. */
function eventsOf(partitions: number): string[] {
  const events: string[] = []
  let left = partitions
  for (let number = 0; left > 0; number++) {
    const id = `probe-${number}`
    const partition = partitionOfHash(partitionHash([id]), partitions)
    if (events[partition] !== undefined) continue
    events[partition] = id
    left--
  }
  return events
}
