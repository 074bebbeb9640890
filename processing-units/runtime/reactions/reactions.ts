import type { Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import type { Process } from '@spacegrid/grid/core/process'
import { parseJsonInput } from '@spacegrid/grid/doors/request/json-input'
import type { ReactionsStatus } from '@spacegrid/grid/doors/request/serving'
import type { Readiness } from '@spacegrid/grid/engine/life/readiness'
import type { CopyState } from '@spacegrid/grid/engine/placement/member'
import { Presence } from '@spacegrid/grid/engine/placement/presence'
import { ranking } from '@spacegrid/grid/engine/placement/rendezvous'
import type { Timer } from '@spacegrid/grid/engine/ports/clock'
import type { Replica } from '@spacegrid/grid/engine/replica/replica'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { FaultDesk } from '../fault-desk.ts'
import type { UnitOptions } from '../unit-options.ts'
import type { UnitPorts } from '../unit-ports.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { Acting } from './acting.ts'
import { Dispatcher, type ReactionCounts } from './dispatcher.ts'
import type { Turned, WrittenDown } from './outbox-commands.ts'
import { type OutboxAsked, OutboxDesk } from './outbox-desk.ts'
import { type ReactAnswer, type Reactive, type ReactRequest, react } from './react-request.ts'

/** The unit as its reactions use it. */
export interface ReactingUnit {
  readonly name: string
  readonly space: Space
  readonly logName: LogName
  /** The whole space is here: what is asked of it need not travel. */
  readonly whole: Reactive | undefined
  readonly logNow: number
  readiness(): Readiness
  /** Writes down what has become of an entry of the outbox. */
  turn(turned: Turned): Promise<WrittenDown>
}

const lookMs = 100
/** Longer than a command may take where it is done. */
const answerMs = 15_000
/** The only one that is spoken of: of the log. */
const partition = 0

/**
 * The reactions of one log in one unit. Every unit that keeps the log says that it is there; each
 * chain of the outbox is done by the first in rendezvous order of those that are ready. Who does it
 * is a matter of speed only: it is exactly once in effect whoever does it, or several at a time.
 */
export class Reactions {
  readonly #unit: ReactingUnit
  readonly #ports: UnitPorts
  readonly #options: UnitOptions
  readonly #presence: Presence
  readonly #reactions: ReadonlyMap<string, Process>
  readonly #acknowledgements: Acknowledgements
  readonly #acting: Acting
  readonly #desk: OutboxDesk
  readonly #counts: ReactionCounts = { done: 0, retried: 0, died: 0 }
  #dispatcher: Dispatcher | undefined
  #replica: Replica | undefined
  #state: CopyState = 'joining'
  #hears = false
  #ready: readonly { readonly name: string; readonly weight: number }[] | undefined
  #stopping = false
  #timer: Timer | undefined

  constructor(unit: ReactingUnit, ports: UnitPorts, options: UnitOptions, faults: FaultDesk) {
    this.#unit = unit
    this.#ports = ports
    this.#options = options
    this.#reactions = unit.space.reactions ?? new Map()
    const { messaging, clock, random } = ports
    this.#presence = new Presence(
      {
        ...{ space: unit.logName, name: unit.name, role: 'reactions', zone: undefined },
        ...{ weight: 1, partitions: 1, copies: 1 },
      },
      { messaging, clock, random },
      () => ({
        ...{ full: false, stopping: this.#stopping },
        keeps: new Map([[partition, this.#state]]),
      }),
      () => this.#news(),
    )
    const send = (space: string, request: ReactRequest) => this.#send(space, request)
    this.#acknowledgements = new Acknowledgements(clock, send)
    this.#acting = new Acting({
      ...{ clock, faults, space: unit.space.name, send, keyMs: options.reactionKeyMs },
      done: (...where) => this.#acknowledgements.done(...where),
    })
    this.#desk = new OutboxDesk(this.#reactions, (turned) => unit.turn(turned))
  }

  start(): void {
    this.#presence.start()
    this.#look()
  }

  /** A life of the unit begins. */
  follow(replica: Replica): void {
    this.rest()
    this.#replica = replica
    this.#dispatcher = new Dispatcher(replica, {
      ...{ clock: this.#ports.clock, acting: this.#acting, reactions: this.#reactions },
      isHome: (chain) => this.#isHome(chain),
      now: () => this.#unit.logNow,
      turn: (turned) => this.#unit.turn(turned),
      finished: (id) => this.#acknowledgements.finished(id),
      counts: this.#counts,
      inFlightMax: this.#options.reactionsMax,
    })
  }

  /** It has ended. */
  rest(): void {
    this.#dispatcher?.stop()
    this.#dispatcher = undefined
    this.#replica = undefined
  }

  /** From now on nothing new is begun here. */
  leave(): void {
    this.#stopping = true
    this.#state = 'leaving'
    this.#presence.tell()
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.rest()
    this.#acknowledgements.stop()
    await this.#presence.stop()
  }

  status(): ReactionsStatus | undefined {
    const dispatcher = this.#dispatcher
    if (!dispatcher) return undefined
    const { backlog, working } = dispatcher
    let oldest = Number.POSITIVE_INFINITY
    for (const { at, isDead } of backlog.all) if (!isDead && at < oldest) oldest = at
    return {
      waiting: backlog.size - backlog.dead,
      working,
      dead: backlog.dead,
      oldestMs: Number.isFinite(oldest) ? Math.max(0, Math.round(this.#unit.logNow - oldest)) : 0,
      ...this.#counts,
    }
  }

  /** @throws GridError `not_ready`, `not_found` */
  async ask(asked: OutboxAsked): Promise<unknown> {
    if (!this.#replica)
      throw new GridError('not_ready', 'The processing unit is not ready', { retryAfterMs: 1000 })
    return await this.#desk.answer(this.#replica.state, this.#unit.logNow, asked)
  }

  async #send(space: string, request: ReactRequest): Promise<ReactAnswer> {
    const { whole } = this.#unit
    if (whole && space === this.#unit.space.name) return await react(whole, request)
    const data = Buffer.from(JSON.stringify(request))
    const { messaging } = this.#ports
    if (data.length > messaging.messageBytesMax)
      throw new GridError(
        'body_too_large',
        `What is asked of ${space} has ${data.length} bytes, a message takes ${messaging.messageBytesMax}`,
      )
    const answer = await messaging.request(subjects.react(space), data, { timeoutMs: answerMs })
    return parseJsonInput(answer.data) as ReactAnswer
  }

  #isHome(chain: string): boolean {
    if (this.#state !== 'ready' || !this.#hears) return false
    this.#ready ??= this.#presence
      .members()
      .filter(({ stopping, keeps }) => !stopping && keeps.get(partition) === 'ready')
      .map(({ id }) => ({ name: String(id), weight: 1 }))
    const [first] = this.#ready
    const self = String(this.#presence.id)
    if (this.#ready.length === 1) return first?.name === self
    return ranking(this.#ready, chain)[0]?.name === self
  }

  #news(): void {
    this.#ready = undefined
    this.#dispatcher?.lookAgain()
  }

  #look(): void {
    const state = this.#stateNow()
    const { hears } = this.#presence
    if (state !== this.#state || hears !== this.#hears) {
      this.#state = state
      this.#hears = hears
      this.#presence.tell()
      this.#news()
    }
    this.#timer = this.#ports.clock.after(lookMs, () => this.#look())
  }

  #stateNow(): CopyState {
    if (this.#stopping) return 'leaving'
    return this.#unit.readiness().ready ? 'ready' : 'joining'
  }
}
