import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import { positionsOf, tokenOfAll } from '@spacegrid/grid/core/position'
import type { CommandAnswer, ExecuteOptions } from '@spacegrid/grid/doors/request/serving'
import { type Clock, sleep } from '@spacegrid/grid/engine/ports/clock'
import type { Random } from '@spacegrid/grid/engine/ports/random'
import type { AskPart } from './ask-part.ts'
import {
  answered,
  type Ballot,
  type Divided,
  type DividedGroup,
  isRefused,
  isUnknown,
  isYes,
  type Outcome,
  outcomeOf,
  type Yes,
} from './ballots.ts'
import { joinPacked } from './part-group.ts'
import type { CommitAsked, Followed, PartOperation, PrepareAsked, Vote } from './part-messages.ts'
import { TurnTaking } from './turn-taking.ts'

export interface AcrossPorts {
  readonly clock: Clock
  readonly random: Random
  readonly ask: AskPart
  /** What time it is in the logs, as far as this unit knows; ms. */
  readonly logNow: () => number
}

export interface AcrossOptions {
  /** How long a prepare may take to land, and what it holds without a verdict; ms of log time. */
  readonly holdMs: number
  /** Times a command is tried before it fails with `contended`. */
  readonly attemptsMax: number
}

export const defaultAcrossOptions: AcrossOptions = { holdMs: 5000, attemptsMax: 64 }

/** How the parts of an attempt are prepared. */
interface Way {
  /** One after the other, in the order of the partitions; else all at once. */
  readonly isInOrder: boolean
  /** For others that hold what it needs each may wait so long, ms; 0: not at all. */
  readonly waitMsMax: number
}

/** One attempt of a command. */
interface Trying {
  readonly attempt: string
  /** Log time, ms. */
  readonly notAfter: number
  /** Monotonic ms. */
  readonly until: number
  readonly way: Way
  readonly isLast: boolean
  readonly acknowledge: ExecuteOptions['acknowledge']
  /** Called when everything is prepared. */
  endTurn(): void
}

/** An answer is not made before its parts are in MongoDB: on top of what a command may take. */
const finishTriesMax = 8
const finishPauseMs = 100
/** Of one look whether something has been let go. */
const releasedMsMax = 1000
/**
 * Of a command that has its turn: whoever holds what it needs is about to let go, for who has no
 * turn does not wait. Where turns are given in two places they might wait in a circle for so long.
 */
const inTurnMsMax = 500

const atOnce: Way = { isInOrder: false, waitMsMax: 0 }
const inTurn: Way = { isInOrder: false, waitMsMax: inTurnMsMax }
const inOrder = (waitMsMax: number): Way => ({ isInOrder: true, waitMsMax })

/**
 * Coordinates commands whose parts are in several partitions, all or none: two-phase commit (Gray,
 * 1978) over logs that cannot lose a vote. It may die at any moment, for every vote and the verdict
 * are in the logs: whoever keeps a partition looks after what it has left behind (`HoldCare`).
 * docs/decisions/0033.
 */
export class AcrossPartitions {
  readonly #ports: AcrossPorts
  readonly #options: AcrossOptions
  /** What is still followed up after its caller was answered. */
  readonly #open = new Set<Promise<unknown>>()
  readonly #turns: TurnTaking

  constructor(ports: AcrossPorts, options: AcrossOptions = defaultAcrossOptions) {
    this.#ports = ports
    this.#options = options
    this.#turns = new TurnTaking(ports)
  }

  /** Resolves when nothing is followed up any more. */
  async drained(): Promise<void> {
    while (this.#open.size > 0) await Promise.allSettled([...this.#open])
  }

  /** @throws GridError as `Serving.execute` */
  async execute(
    divided: Divided,
    withinMs: number,
    acknowledge: ExecuteOptions['acknowledge'],
  ): Promise<CommandAnswer<string>> {
    const { clock } = this.#ports
    const until = clock.monotonic() + withinMs
    const keys = divided.groups.flatMap((group) => group.keys)
    const { holdMs, attemptsMax } = this.#options
    let turn = this.#turns.isCrowded(keys) ? await this.#turns.take(keys, until) : undefined
    let way = turn ? inTurn : atOnce
    const endTurn = () => {
      turn?.()
      turn = undefined
    }
    try {
      for (let tries = 1; ; tries++) {
        const isLast = tries >= attemptsMax
        const attempt = this.#ports.random.id()
        const notAfter = Math.ceil(this.#ports.logNow() + holdMs)
        const trying = { attempt, notAfter, until, way, isLast, acknowledge, endTurn }
        const outcome = await this.#attempt(divided, trying)
        if (outcome.kind === 'answer') return outcome.answer
        if (outcome.kind === 'error') throw outcome.error
        if (isLast || clock.monotonic() >= until)
          throw new GridError(
            'contended',
            `${divided.command.name} collided ${tries} times, or waited too long for others`,
            { retryAfterMs: 100 },
          )
        if (way === atOnce) {
          this.#metIn(divided, outcome)
          turn = await this.#turns.take(keys, until)
          if (turn) {
            way = inTurn
            continue
          }
        }
        way = inOrder(holdMs)
        await this.#rest(outcome, until, tries)
      }
    } finally {
      endTurn()
    }
  }

  #metIn({ groups }: Divided, { partition, hold }: Extract<Outcome, { kind: 'again' }>): void {
    const group = groups.find((it) => it.partition === partition)
    if (hold !== undefined && group) this.#turns.met(group.keys)
  }

  /** Parked until what was in the way is let go; a little longer the more often it happens. */
  async #rest(
    { partition, hold }: Extract<Outcome, { kind: 'again' }>,
    until: number,
    tries: number,
  ): Promise<void> {
    const { clock, random, ask } = this.#ports
    const withinMs = Math.min(releasedMsMax, until - clock.monotonic())
    if (hold !== undefined && withinMs > 0) {
      const asked = { attempt: hold, withinMs }
      const operation = 'released'
      await ask({ partition, operation, asked, withinMs, isOnce: false }).catch(() => undefined)
    }
    const pauseMs = random.integer() % Math.min(50, 2 + 2 * tries)
    await sleep(clock, pauseMs, new AbortController().signal)
  }

  async #attempt(divided: Divided, trying: Trying): Promise<Outcome> {
    const { attempt, notAfter, until, isLast } = trying
    const ballots = await this.#prepare(divided, trying)
    const [coordinator] = divided.groups as [DividedGroup]
    const yes = ballots.filter(isYes)
    if (yes.length === divided.groups.length) return await this.#commit(divided, trying, yes)
    const over = this.#follow(this.#abort(attempt, notAfter, coordinator.partition, ballots))
    const outcome = await this.#wholly(divided, ballots, outcomeOf(divided, ballots, isLast), until)
    // What it holds would be in its own way.
    if (outcome.kind === 'again') await over
    return outcome
  }

  /**
   * Whoever is told once more what was done is to read it too, wherever it was done: there it is
   * held, at the newest position, or has been finished before.
   */
  async #wholly(
    { groups }: Divided,
    ballots: readonly Ballot[],
    outcome: Outcome,
    until: number,
  ): Promise<Outcome> {
    if (outcome.kind !== 'answer') return outcome
    const withinMs = Math.max(releasedMsMax, until - this.#ports.clock.monotonic())
    const newest = async (partition: number): Promise<readonly [number, number]> => {
      const yes = ballots.find((ballot) => ballot.partition === partition && isYes(ballot))
      if (yes && isYes(yes)) return [partition, yes.vote.position]
      const asked = { operation: 'newest', asked: {}, isOnce: false } as const
      return [partition, (await this.#ports.ask({ partition, withinMs, ...asked })) as number]
    }
    const { answer } = outcome
    const [coordinator, ...others] = groups.map(({ partition }) => partition)
    const own = positionsOf(answer.position)?.get(coordinator as number) ?? 0
    try {
      const positions = new Map(await Promise.all(others.map(newest)))
      positions.set(coordinator as number, own)
      return { kind: 'answer', answer: { ...answer, position: tokenOfAll(positions) } }
    } catch (cause) {
      const message = 'It was done, and where it was done cannot be asked; ask again with its key'
      return { kind: 'error', error: new GridError('outcome_unknown', message, { cause }) }
    }
  }

  /**
   * At once, and whoever meets a hold lets go of everything; or, when it has its turn, waits a
   * moment. Or one after the other, in the order of the partitions: so they may wait for each
   * other, and never in a circle.
   */
  async #prepare(divided: Divided, trying: Trying): Promise<Ballot[]> {
    const { groups } = divided
    const one = (group: DividedGroup) => this.#ballot(divided, group, trying)
    if (!trying.way.isInOrder) return await Promise.all(groups.map(one))
    const ballots: Ballot[] = []
    for (const group of groups.toSorted((a, b) => a.partition - b.partition)) {
      const ballot = await one(group)
      ballots.push(ballot)
      // Which parts refuse is told of all of them.
      if (!isYes(ballot) && !isRefused(ballot)) break
    }
    return ballots
  }

  async #ballot(
    { command, input, groups, remembers, caller }: Divided,
    { partition, parts }: DividedGroup,
    { attempt, notAfter, until, way: { waitMsMax } }: Trying,
  ): Promise<Ballot> {
    const { clock, ask } = this.#ports
    const coordinator = groups[0]?.partition ?? partition
    const withinMs = Math.max(1, Math.min(this.#options.holdMs, until - clock.monotonic()))
    const asked: PrepareAsked = {
      ...{ attempt, partition, coordinator, notAfter, command: command.name, input, parts },
      participants: groups.map((group) => group.partition),
      ...(caller ? { caller } : {}),
      ...(remembers && partition === coordinator ? { remembers } : {}),
      ...{ mayWait: waitMsMax > 0, withinMs, waitMsMax },
    }
    try {
      const operation = 'prepare'
      const vote = (await ask({ partition, operation, asked, withinMs, isOnce: true })) as Vote
      return { partition, vote }
    } catch (error) {
      if (!isGridError(error)) throw error
      return { partition, error }
    }
  }

  async #commit(
    divided: Divided,
    { attempt, notAfter, until, acknowledge, endTurn }: Trying,
    ballots: readonly Yes[],
  ): Promise<Outcome> {
    const { command, input, count, groups, remembers } = divided
    const [coordinator, ...others] = groups as [DividedGroup]
    const partsOf = new Map(groups.map(({ partition, parts }) => [partition, parts]))
    const packed = ballots.map(({ partition, vote: { data, taken } }) => ({
      ...{ parts: partsOf.get(partition) ?? [], data, taken },
    }))
    const { data, taken } = joinPacked(count, packed)
    const commit: CommitAsked = {
      ...{ command: command.name, input, data },
      ...(taken ? { taken } : {}),
      ...(remembers ? { remembers } : {}),
    }
    // From now on it waits for nobody: whoever is next may come, and wait for the end of this one.
    endTurn()
    const decided = await this.#decide(coordinator.partition, until, {
      ...{ attempt, verdict: 'commit', asked: false, notAfter, commit },
    })
    if (decided instanceof GridError) return { kind: 'error', error: decided }
    const verdict = decided.fate === 'commit' ? 'commit' : 'abort'
    const finished = this.#finish(
      attempt,
      verdict,
      others.map(({ partition }) => partition),
    )
    const over = this.#follow(
      finished.then(async () => {
        if (verdict === 'commit') await this.#forget(coordinator.partition, attempt)
      }),
    )
    if (verdict === 'abort') {
      await over
      return { kind: 'again', partition: coordinator.partition, hold: undefined }
    }
    // Whoever reads what is still held elsewhere has to wait for it, so the caller need not.
    const level = acknowledge ?? command.acknowledge
    if (level === 'persisted') {
      const done = [...(await finished), { ...decided, partition: coordinator.partition }]
      await Promise.all(
        done.map(({ partition, position }) => this.#asked(partition, 'persisted', { position })),
      )
    }
    const positions = new Map(ballots.map(({ partition, vote }) => [partition, vote.position]))
    positions.set(coordinator.partition, decided.position)
    return answered(decided.answer, positions, level, false)
  }

  /**
   * Asked until there is an answer: the first verdict counts, so asking again does no harm. An
   * error: what has become of it is not known.
   */
  async #decide(partition: number, until: number, asked: object): Promise<Followed | GridError> {
    const { clock, ask } = this.#ports
    for (;;) {
      const withinMs = Math.max(1, until - clock.monotonic())
      try {
        const operation = 'decide'
        return (await ask({ partition, operation, asked, withinMs, isOnce: false })) as Followed
      } catch (error) {
        if (!isGridError(error)) throw error
        if (clock.monotonic() < until && isTransient(error)) {
          await sleep(clock, finishPauseMs, new AbortController().signal)
          continue
        }
        const message = 'The verdict has no answer yet; ask again with the same Idempotency-Key'
        return new GridError('outcome_unknown', message, { cause: error })
      }
    }
  }

  /** Lets go of what is held, or may be. */
  async #abort(
    attempt: string,
    notAfter: number,
    coordinator: number,
    ballots: readonly Ballot[],
  ): Promise<void> {
    const open = ballots.filter((ballot) => isYes(ballot) || isUnknown(ballot))
    const asked = { attempt, verdict: 'abort', asked: false, notAfter }
    // Only this coordinator asks for a commit, and it does not: none waits for the other.
    const others = open.map(({ partition }) => partition).filter((it) => it !== coordinator)
    await Promise.all([
      this.#finish(attempt, 'abort', others),
      // Where nothing is held, nothing can be committed: that needs no record.
      open.some(({ partition }) => partition === coordinator) &&
        this.#asked(coordinator, 'decide', asked),
    ])
  }

  async #finish(
    attempt: string,
    verdict: 'commit' | 'abort',
    partitions: readonly number[],
  ): Promise<readonly { readonly partition: number; readonly position: number }[]> {
    return await Promise.all(
      partitions.map(async (partition) => {
        const { position } = await this.#asked(partition, 'finish', { attempt, verdict })
        return { partition, position }
      }),
    )
  }

  async #forget(partition: number, attempt: string): Promise<void> {
    await this.#asked(partition, 'forget', { attempt })
  }

  /**
   * Asked a number of times. @throws GridError when nobody does it; whoever keeps the partition
   * finds it later
   */
  async #asked(partition: number, operation: PartOperation, asked: object): Promise<Followed> {
    const { clock, ask } = this.#ports
    const withinMs = this.#options.holdMs
    for (let tries = 1; ; tries++)
      try {
        return (await ask({ partition, operation, asked, withinMs, isOnce: false })) as Followed
      } catch (error) {
        if (!isGridError(error) || isGridError(error, 'persist_timeout')) throw error
        if (tries >= finishTriesMax) throw error
        await sleep(clock, finishPauseMs * tries, new AbortController().signal)
      }
  }

  /** Remembered until it is over; that it fails is no harm. */
  #follow(work: Promise<unknown>): Promise<void> {
    const over = work.then(
      () => undefined,
      () => undefined,
    )
    this.#open.add(over)
    return over.finally(() => this.#open.delete(over))
  }
}

const isTransient = (error: GridError): boolean =>
  error.retryable || error.code === 'outcome_unknown'
