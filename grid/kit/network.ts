import { GridError, isGridError } from '../core/errors.ts'
import { asTransported } from '../drivers/embedded/in-process-messaging.ts'
import type { Clock } from '../engine/ports/clock.ts'
import type {
  Message,
  Messaging,
  RequestOptions,
  Responder,
  Service,
  Subscription,
} from '../engine/ports/messaging.ts'
import type { Host } from './host.ts'
import type { SeededRandom } from './seeded-random.ts'

/** How messages fare, as long as nothing else is said. Nothing durable rests on them. */
export interface NetworkFaults {
  /** Longest time on the way, ms: later messages may overtake. */
  delayMsMax: number
  /** Probability that a message is lost. */
  loss: number
  /** Probability that it comes twice. */
  doubling: number
  /** Longest time until the server notices that a host has gone, ms. */
  noticeMsMax: number
}

interface Answering {
  readonly host: Host
  /** Members of one group share the requests, everyone else answers for itself. */
  readonly group: string | undefined
  readonly respond: Responder
}

interface Listening {
  readonly host: Host
  readonly subject: string
  readonly listener: (message: Message) => void
}

/**
 * The messaging server and all connections to it. A host that is gone keeps its place for a while:
 * the server has not noticed yet.
 */
export class Network {
  readonly faults: NetworkFaults = {
    ...{ delayMsMax: 2, loss: 0, doubling: 0 },
    noticeMsMax: 1500,
  }
  readonly #clock: Clock
  readonly #random: SeededRandom
  readonly #listening = new Set<Listening>()
  readonly #answering = new Map<string, Set<Answering>>()
  readonly #cut = new Set<Host>()

  constructor(clock: Clock, random: SeededRandom) {
    this.#clock = clock
    this.#random = random
  }

  connect(host: Host): Messaging {
    host.whenGone(() => {
      this.#clock.after(this.#random.below(this.faults.noticeMsMax), () => this.#forget(host))
    })
    return new HostMessaging(host, this)
  }

  cut(host: Host): void {
    this.#cut.add(host)
  }

  heal(host: Host): void {
    this.#cut.delete(host)
  }

  publish(from: Host, subject: string, data: Uint8Array): void {
    for (const { host, subject: wanted, listener } of this.#listening)
      if (wanted === subject)
        this.#carry(from, host, () => {
          try {
            listener({ data })
          } catch (error) {
            // What is no message ends nobody, here as with the real ports; our own bugs do.
            if (!isGridError(error)) throw error
          }
        })
  }

  listen(listening: Listening): Subscription {
    this.#listening.add(listening)
    return { stop: async () => void this.#listening.delete(listening) }
  }

  answer(subject: string, answering: Answering): Subscription {
    const all = this.#answering.get(subject) ?? new Set()
    this.#answering.set(subject, all.add(answering))
    return {
      stop: async () => {
        all.delete(answering)
        if (all.size === 0 && this.#answering.get(subject) === all) this.#answering.delete(subject)
      },
    }
  }

  request(from: Host, subject: string, message: Message, timeoutMs: number): Promise<Message> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(timeoutMs, () =>
        reject(new GridError('request_timeout', `${subject}: no answer in ${timeoutMs} ms`)),
      )
      const settle = (finish: () => void) => () => {
        timer.cancel()
        finish()
      }
      const asked = this.#responders(subject)
      if (asked.length === 0)
        this.#clock.after(
          this.#random.below(this.faults.delayMsMax + 1),
          settle(() => reject(new GridError('no_responder', `Nobody answers on ${subject}`))),
        )
      for (const { host, respond } of asked) {
        const back = (finish: () => void) => {
          if (host.acts()) this.#carry(host, from, settle(finish))
        }
        this.#carry(from, host, () => {
          new Promise<Message>((done) => done(respond(message))).then(
            (answer) => back(() => resolve(answer)),
            (error) => back(() => reject(asTransported(error))),
          )
        })
      }
    })
  }

  /** One of each group, and everybody who belongs to none. */
  #responders(subject: string): Answering[] {
    const groups = Map.groupBy(this.#answering.get(subject) ?? [], ({ group }) => group)
    return [...groups].flatMap(([group, members]) =>
      group === undefined ? members : [members[this.#random.below(members.length)] as Answering],
    )
  }

  /**
   * A message on its way. What arrives at a requester settles in its own host, so only the way is
   * looked at here.
   */
  #carry(from: Host, to: Host, arrive: () => void): void {
    const { delayMsMax, loss, doubling } = this.faults
    if (this.#cut.has(from) || this.#cut.has(to) || this.#random.chance(loss)) return
    const copies = this.#random.chance(doubling) ? 2 : 1
    for (let copy = 0; copy < copies; copy++)
      this.#clock.after(this.#random.below(delayMsMax + 1), () => {
        if (!this.#cut.has(to)) to.deliver(arrive)
      })
  }

  #forget(host: Host): void {
    for (const listening of this.#listening)
      if (listening.host === host) this.#listening.delete(listening)
    for (const [subject, all] of this.#answering) {
      for (const answering of all) if (answering.host === host) all.delete(answering)
      if (all.size === 0) this.#answering.delete(subject)
    }
  }
}

class HostMessaging implements Messaging {
  readonly messageBytesMax = 64 * 1024
  readonly #host: Host
  readonly #network: Network

  constructor(host: Host, network: Network) {
    this.#host = host
    this.#network = network
  }

  request(subject: string, data: Uint8Array, options: RequestOptions): Promise<Message> {
    const { timeoutMs, headers } = options
    if (!this.#host.acts()) return new Promise(() => undefined)
    const message = headers ? { data, headers } : { data }
    return this.#host.settle(this.#network.request(this.#host, subject, message, timeoutMs))
  }

  publish(subject: string, data: Uint8Array): void {
    if (this.#host.acts()) this.#network.publish(this.#host, subject, data)
  }

  subscribe(subject: string, listener: (message: Message) => void): Subscription {
    return this.#network.listen({ host: this.#host, subject, listener })
  }

  respond(subject: string, responder: Responder): Subscription {
    return this.#network.answer(subject, {
      host: this.#host,
      group: undefined,
      respond: responder,
    })
  }

  async serve(service: Service): Promise<Subscription> {
    const answers = service.endpoints.map(({ subject, respond }) =>
      this.#network.answer(subject, { host: this.#host, group: service.name, respond }),
    )
    return { stop: async () => void (await Promise.all(answers.map((answer) => answer.stop()))) }
  }

  async close(): Promise<void> {}
}
