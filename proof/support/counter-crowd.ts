import type { Answer, PatientClient } from './patient-client.ts'
import { waitFor } from './wait-for.ts'

const goesOnMsMax = 120_000

/** Adds to counters of `divided-space.ts`, one after the other each, until it is told to end. */
export class CounterCrowd {
  /** What the last acknowledged command has said of each counter. */
  readonly acknowledged = new Map<string, number>()
  readonly #client: PatientClient
  readonly #ids: readonly string[]
  readonly #work: Promise<unknown>
  #ending = false

  constructor(client: PatientClient, ids: readonly string[]) {
    this.#client = client
    this.#ids = ids
    this.#work = Promise.all(ids.map((id) => this.#add(id)))
    // Whoever waits for the end is told; until then it is no unhandled one.
    this.#work.catch(() => undefined)
  }

  /** Why commands had to be sent again. */
  get retried(): ReadonlyMap<string, number> {
    return this.#client.retried
  }

  async #add(id: string): Promise<void> {
    while (!this.#ending) {
      const answer = await this.#client.persist('divided', 'add', { id }, goesOnMsMax)
      if (answer?.status !== 200) throw new Error(`${id} was answered ${JSON.stringify(answer)}`)
      this.acknowledged.set(id, Number(answer.body.result?.count))
    }
  }

  /** Every counter has been added to once more. */
  async goesOn(): Promise<void> {
    const before = new Map(this.acknowledged)
    const isFurther = (id: string) => (this.acknowledged.get(id) ?? 0) > (before.get(id) ?? 0)
    await waitFor(() => this.#ids.every(isFurther), {
      what: 'an answer for every counter',
      timeoutMs: goesOnMsMax,
    })
  }

  async end(): Promise<void> {
    this.#ending = true
    await this.#work
  }

  /** Counters that are not what was acknowledged last, in the latest state. */
  async differences(): Promise<string[]> {
    const found = await Promise.all(
      [...this.acknowledged].map(async ([id, count]) => {
        const { body } = await this.#latest('count', { id })
        return body.result?.count === count ? [] : `${id}: ${JSON.stringify(body)}, not ${count}`
      }),
    )
    return found.flat()
  }

  #latest(name: string, input: Record<string, string>): Promise<Answer> {
    return this.#client.query('divided', name, input, { 'grid-consistency': 'latest' })
  }
}
