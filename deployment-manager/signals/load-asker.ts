import { isGridError } from '@spacegrid/grid/core/errors'
import { decodeLoad } from '@spacegrid/grid/engine/load/load-told'
import { unitRoles } from '@spacegrid/grid/engine/placement/member'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Messaging, Subscription } from '@spacegrid/grid/engine/ports/messaging'
import type { Random } from '@spacegrid/grid/engine/ports/random'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { NamedSpace } from '@spacegrid/grid/program/named-spaces'
import type { UnitSignals } from '../decide/moment.ts'
import { LoadBook } from './load-book.ts'

/** A round trip that was measured so long ago says nothing of now. */
const tripFreshMs = 5000

/**
 * Asks units how they fare, and hears them. What others have asked is heard as well, so whoever
 * takes over knows what has happened before.
 */
export class LoadAsker {
  readonly #spaces: readonly NamedSpace[]
  readonly #messaging: Messaging
  readonly #clock: Clock
  readonly #book: LoadBook
  /** By it the own question is known when it comes back: that is the way through NATS. */
  readonly #name: string
  readonly #subscriptions: Subscription[] = []
  #askedAt: number | undefined
  #trip: { readonly at: number; readonly ms: number } | undefined

  constructor(
    spaces: readonly NamedSpace[],
    ports: { readonly messaging: Messaging; readonly clock: Clock; readonly random: Random },
  ) {
    this.#spaces = spaces
    this.#messaging = ports.messaging
    this.#clock = ports.clock
    this.#name = ports.random.id()
    this.#book = new LoadBook(spaces, unitRoles.commands)
  }

  start(): void {
    for (const { name } of this.#spaces) {
      const told = this.#messaging.subscribe(subjects.load(name), ({ data }) => {
        const load = decodeLoad(data)
        if (load) this.#book.heard(name, load, this.#clock.monotonic())
      })
      const asked = this.#messaging.subscribe(subjects.loadAsked(name), ({ data }) =>
        this.#cameBack(data),
      )
      this.#subscriptions.push(told, asked)
    }
  }

  ask(): void {
    this.#askedAt = this.#clock.monotonic()
    try {
      for (const { name } of this.#spaces)
        this.#messaging.publish(subjects.loadAsked(name), Buffer.from(this.#name))
    } catch (error) {
      // Not connected just now: it is asked again within a second.
      if (!isGridError(error)) throw error
    }
  }

  units(): UnitSignals[] {
    return this.#book.units(this.#clock.monotonic())
  }

  /** Of a bare message, to NATS and back; ms. undefined: not known. */
  get natsTripMs(): number | undefined {
    const isFresh = this.#trip && this.#clock.monotonic() - this.#trip.at < tripFreshMs
    return isFresh ? this.#trip?.ms : undefined
  }

  async stop(): Promise<void> {
    await Promise.all(this.#subscriptions.map((subscription) => subscription.stop()))
  }

  #cameBack(data: Uint8Array): void {
    if (this.#askedAt === undefined || Buffer.from(data).toString() !== this.#name) return
    const at = this.#clock.monotonic()
    this.#trip = { at, ms: at - this.#askedAt }
    this.#askedAt = undefined
  }
}
