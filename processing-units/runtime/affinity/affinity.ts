import type { Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import type {
  AffinityStatus,
  CommandAnswer,
  ExecuteOptions,
  Serving,
} from '@spacegrid/grid/doors/request/serving'
import type { CopyState, Member } from '@spacegrid/grid/engine/placement/member'
import { Presence } from '@spacegrid/grid/engine/placement/presence'
import { ranking } from '@spacegrid/grid/engine/placement/rendezvous'
import { type Clock, sleep, type Timer } from '@spacegrid/grid/engine/ports/clock'
import type { AskedUnit } from '../partitions/asked-unit.ts'
import { Asking } from '../partitions/asking.ts'
import { PassedRequests } from '../partitions/passed-requests.ts'
import { Passing } from '../partitions/passing.ts'
import type { UnitOptions } from '../unit-options.ts'
import type { UnitPorts } from '../unit-ports.ts'
import { affinityKeyOf } from './affinity-key.ts'
import { HotKeys } from './hot-keys.ts'

const lookMs = 100
/** Keys in a status. */
const statusMax = 16
/** The only partition of the space. */
const partition = 0
/** Larger inputs are not passed on: with what goes along they must fit into a message. */
const inputShareMax = 4

/** What the unit tells of itself. */
export interface AffinityUnit {
  readonly unit: AskedUnit & { readonly name: string; readonly space: Space } & Pick<
      Serving,
      'readiness'
    >
  /** Resolves when its replica has come so far, or when it has waited long enough. */
  reach(position: number): Promise<void>
  /** Bytes of an input; throws when it is none. */
  bytesOf(command: string, input: unknown): number
}

/**
 * Home units for the affinity keys of a space with one partition. Units that collide on a key say
 * so in their presence; while anyone does, every unit passes its commands on to the key's home, the
 * first in rendezvous order of the units that are ready. There they chain without collisions. Who
 * is taken for the home is a matter of speed only: the log decides.
 */
export class Affinity {
  readonly #space: Space
  readonly #clock: Clock
  readonly #messageBytesMax: number
  readonly #options: UnitOptions
  readonly #of: AffinityUnit
  readonly #presence: Presence
  readonly #keys: HotKeys
  readonly #passing: Passing
  readonly #asking: Asking
  readonly #passedHere: PassedRequests
  /** Keys that anyone says are hot, and the units that are asked, in order, once looked up. */
  readonly #hot = new Map<number, readonly Member[] | undefined>()
  /** Keys that others say are hot. */
  #elsewhere: ReadonlySet<number> = new Set()
  #state: CopyState = 'joining'
  #stopping = false
  #open = 0
  #timer: Timer | undefined

  constructor(
    { messaging, clock, random }: UnitPorts,
    of: AffinityUnit,
    options: UnitOptions,
    { name, space }: Pick<AffinityUnit['unit'], 'name' | 'space'> = of.unit,
  ) {
    this.#space = space
    this.#clock = clock
    this.#messageBytesMax = messaging.messageBytesMax
    this.#options = options
    this.#of = of
    this.#keys = new HotKeys(options.hotPerSecond)
    this.#presence = new Presence(
      {
        ...{ space: space.name, name, role: 'unit', zone: undefined, weight: 1 },
        ...{ partitions: 1, copies: 1 },
      },
      { messaging, clock, random },
      () => ({
        ...{ full: false, stopping: this.#stopping, keeps: new Map([[partition, this.#state]]) },
        hot: this.#keys.hot(clock.monotonic()),
      }),
      () => this.#news(),
    )
    this.#passing = new Passing(space.name, messaging, clock)
    this.#asking = new Asking(this.#presence.id, this.#passing, { clock, random })
    this.#passedHere = new PassedRequests(messaging, clock, () => of.unit)
  }

  start(): void {
    this.#passedHere.start(this.#space.name, this.#presence.id)
    this.#presence.start()
    this.#look()
  }

  /** A command has collided here, and runs again. */
  readonly collided = (command: Parameters<typeof affinityKeyOf>[0], input: unknown): void => {
    const key = affinityKeyOf(command, input)
    if (!key || !this.#keys.collided(key, this.#clock.monotonic())) return
    this.#presence.tell()
    this.#news()
  }

  /** While none is hot there is nothing to ask. */
  get hasHotKeys(): boolean {
    return this.#hot.size > 0
  }

  get hotKeys(): number {
    return this.#hot.size
  }

  /**
   * The answer of a command's home; undefined: it is done here.
   * @throws GridError `invalid_input`, `overloaded`
   */
  elsewhere(
    name: string,
    input: unknown,
    options: ExecuteOptions,
  ): Promise<CommandAnswer<number>> | undefined {
    const command = this.#space.commands.get(name)
    if (!command?.affinity || command.partOnly) return undefined
    const key = affinityKeyOf(command, input)
    if (!key || !this.#hot.has(key.hash)) return undefined
    this.#keys.used(key, this.#clock.monotonic())
    // Who is not there, or does not hear who is, does what it is asked, or says why it cannot.
    if (this.#state !== 'ready' || !this.#presence.hears) return undefined
    const asked = this.#askedFor(key.hash)
    if (asked[0]?.id === this.#presence.id) return undefined
    if (this.#of.bytesOf(name, input) > this.#messageBytesMax / inputShareMax) return undefined
    if (this.#open >= this.#options.pendingMax)
      throw new GridError('overloaded', `${this.#open} commands are waiting`, {
        retryAfterMs: 1000,
      })
    return this.#pass(asked, name, input, options)
  }

  async #pass(
    asked: readonly Member[],
    name: string,
    input: unknown,
    options: ExecuteOptions,
  ): Promise<CommandAnswer<number>> {
    const { idempotencyKey, acknowledge, caller } = options
    const { commandMsMax, persistWaitMsMax } = this.#options
    const level = acknowledge ?? this.#space.commands.get(name)?.acknowledge
    const persistMs = level === 'persisted' ? persistWaitMsMax : 0
    this.#open++
    try {
      const answer = await this.#asking.inOrder<CommandAnswer<number>>(
        asked,
        {
          request: { kind: 'command', partition, name, input, idempotencyKey, acknowledge, caller },
          withinMs: Math.min(options.withinMs ?? commandMsMax, commandMsMax) + persistMs,
          isOnce: idempotencyKey === undefined,
          here: (leftMs) =>
            this.#of.unit.executeHere(name, input, { ...options, withinMs: leftMs - persistMs }),
        },
        (why) =>
          why ??
          new GridError('log_unavailable', 'No unit has begun with it in time', {
            retryAfterMs: 1000,
          }),
      )
      // What this unit has answered it also shows.
      await this.#of.reach(answer.position)
      return answer
    } finally {
      this.#open--
    }
  }

  #askedFor(hash: number): readonly Member[] {
    const known = this.#hot.get(hash)
    if (known) return known
    const ready = this.#presence
      .members()
      .filter(({ stopping, keeps }) => !stopping && keeps.get(partition) === 'ready')
    const asked = ranking(ready, `${this.#space.name}/${hash}`)
    this.#hot.set(hash, asked)
    return asked
  }

  #look(): void {
    const state = this.#stateNow()
    const isOther = state !== this.#state
    this.#state = state
    const now = this.#clock.monotonic()
    const isNews = this.#keys.look(now, (hash) => this.#elsewhere.has(hash))
    if (isOther || isNews) {
      this.#presence.tell()
      this.#news()
    }
    this.#timer = this.#clock.after(lookMs, () => this.#look())
  }

  #stateNow(): CopyState {
    if (this.#stopping) return 'leaving'
    return this.#of.unit.readiness().ready ? 'ready' : 'joining'
  }

  /** Somebody is otherwise than before, or finds other keys hot. */
  #news(): void {
    const elsewhere = new Set<number>()
    for (const { id, hot } of this.#presence.members())
      if (id !== this.#presence.id) for (const hash of hot?.keys() ?? []) elsewhere.add(hash)
    this.#elsewhere = elsewhere
    this.#hot.clear()
    for (const hash of elsewhere) this.#hot.set(hash, undefined)
    for (const hash of this.#keys.hot(this.#clock.monotonic()).keys())
      this.#hot.set(hash, undefined)
    this.#passing.forget((id) => this.#presence.other(id) !== undefined)
  }

  status(): AffinityStatus {
    const home = (hash: number) =>
      this.#hot.has(hash) ? (this.#askedFor(hash)[0]?.name ?? null) : null
    const keys = this.#keys.figures(this.#clock.monotonic())
    return {
      hotKeys: this.#hot.size,
      keys: keys.slice(0, statusMax).map(({ text, hash, ...rates }) => ({
        key: text,
        collisionsPerSecond: rounded(rates.collisionsPerSecond),
        commandsPerSecond: rounded(rates.commandsPerSecond),
        home: home(hash),
      })),
      passed: { ...this.#passing.counts },
    }
  }

  /** From now on nothing new is to come here. */
  leave(): void {
    this.#stopping = true
    this.#state = 'leaving'
    this.#presence.tell()
  }

  /** Resolves when what was passed on has its answer, or nobody waits for it any more. */
  async drained(signal: AbortSignal): Promise<void> {
    const end = () => this.#passing.forget(() => false)
    if (signal.aborted) end()
    signal.addEventListener('abort', end, { once: true })
    while (this.#open > 0) await sleep(this.#clock, lookMs / 10)
  }

  /** What came here has been answered by now. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    await this.#passedHere.stop()
    await this.#presence.stop()
  }
}

const rounded = (perSecond: number): number => Math.round(perSecond * 10) / 10
