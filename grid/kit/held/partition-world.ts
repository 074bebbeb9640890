import { isConfirmed } from '../../core/across.ts'
import type { Evaluation } from '../../core/evaluation.ts'
import { FrameKind } from '../../core/frame.ts'
import { Holds } from '../../core/holds.ts'
import { Melder } from '../../core/meld.ts'
import { idempotencyCacheNumber } from '../../core/shape.ts'
import { SpaceState } from '../../core/space-state.ts'
import {
  type DecideStep,
  type FinishStep,
  type ForgetStep,
  type HoldFate,
  type RememberStep,
  StepKind,
  type TransactionRecord,
  type Verdict,
} from '../../core/steps.ts'
import { decodeFrame, decodeTransactions, encodeFrame } from '../../engine/wire/frame-codec.ts'
import {
  type Command,
  moneyKeys,
  otherKeys,
  partitionCount,
  randomCommand,
  type Sent,
  seatKeys,
} from './partition-command.ts'
import { Judge } from './partition-judge.ts'
import { accounts, dividedShape, put } from './partition-log.ts'

/** A random history of commands in and across partitions, as `partition-model.mjs` makes them. */
export interface Outcome {
  readonly problems: readonly string[]
  readonly across: number
  readonly recovered: number
  readonly holdsMax: number
}

interface LogRecord {
  readonly bytes: Uint8Array
  readonly time: number
}

const generator = (seed: number) => {
  let at = seed
  return () => {
    at = (at + 0x6d2b79f5) | 0
    let t = Math.imul(at ^ (at >>> 15), 1 | at)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

class Unit {
  readonly replicas: SpaceState[]
  readonly melders: Melder[]
  /** Partition and origin of a record → what became of it. */
  readonly fates = new Map<string, Evaluation>()
  readonly open: { command: Command; attempt: Attempt | undefined }[] = []
  /** What it has asked for, or does for others, by attempt and partition. */
  readonly asked = new Map<string, Sent>()
  /** What was read by those that only read, until it is confirmed or not. */
  readonly checks = new Map<Sent, TransactionRecord>()

  constructor(replicas: SpaceState[]) {
    this.replicas = replicas
    this.melders = replicas.map(
      (state, at) =>
        new Melder(state, decodeTransactions, {
          decided: (_index, { number }, _id, evaluation) => {
            this.fates.set(`${at}.${number}`, evaluation)
          },
        }),
    )
  }

  fateOf({ at, origin }: Sent): Evaluation | undefined {
    return this.fates.get(`${at}.${origin}`)
  }
}

/** An attempt as its coordinator follows it. It may die at any step. */
interface Attempt {
  readonly id: string
  readonly sents: readonly Sent[]
  readonly notAfter: number
  phase: 'check' | 'single' | 'prepare' | 'decide' | 'finish'
  decide: Sent | undefined
  verdict: Verdict | undefined
  readonly finishes: Map<number, Sent>
}

export class PartitionWorld {
  readonly #random: () => number
  readonly #logs: LogRecord[][] = Array.from({ length: partitionCount }, () => [])
  readonly #late: { sent: Sent; record: LogRecord; never: boolean }[] = []
  readonly #skew: readonly number[]
  readonly #judge: Judge
  readonly #commands: Command[] = []
  #units: Unit[]
  #clock = 0
  #recovered = 0
  #holdsMax = 0

  constructor(seed: number) {
    this.#random = generator(seed)
    // The servers that stamp the logs have clocks of their own.
    this.#skew = this.#logs.map(() => this.#pick(100) - 50)
    this.#judge = new Judge()
    const begin = Array.from({ length: partitionCount }, () => new SpaceState(dividedShape))
    this.#units = [0, 1, 2].map(() => new Unit(begin.map((state) => this.#copied(state))))
    const steps = [
      ...[...moneyKeys, ...otherKeys].map((key) => put(key, 100, key[0])),
      ...seatKeys.map((key, n) => put(key, n, 'seats')),
    ]
    for (let at = 0; at < partitionCount; at++) this.#append(at, { steps }, this.#begin, '', true)
  }

  readonly #begin: Command = {
    ...{ number: -1, name: 'begin', parts: [], adds: 0, startedAt: 0, answeredAt: 0 },
  }

  #pick(n: number): number {
    return Math.floor(this.#random() * n)
  }

  #append(
    at: number,
    record: Partial<TransactionRecord>,
    command: Command,
    attempt: string,
    now = false,
  ): Sent {
    const log = this.#logs[at] as LogRecord[]
    const time = this.#clock + (this.#skew[at] as number)
    const join = { kind: FrameKind.join, unit: 'unit', nonce: log.length + 1 }
    const origin = log.push({ bytes: encodeFrame(join), time })
    const whole = { reads: [], ranges: [], steps: [], events: [], notBefore: 0, ...record }
    const transaction: TransactionRecord = { ...whole, number: origin }
    const bytes = encodeFrame({
      ...{ kind: FrameKind.transactions, origin, id: 1, previous: 0, deadline: 1e9 },
      ...{ transactions: [transaction], parts: 0 },
    })
    const sent: Sent = { at, origin, command, attempt, record: transaction, lost: false }
    this.#judge.sent(sent)
    const luck = now ? 1 : this.#random()
    if (luck < 0.35) this.#late.push({ sent, record: { bytes, time }, never: luck < 0.08 })
    else log.push({ bytes, time })
    return sent
  }

  #land(): void {
    for (let n = Math.min(this.#late.length, 1 + this.#pick(4)); n > 0; n--) {
      const [it] = this.#late.splice(this.#pick(this.#late.length), 1)
      if (!it) return
      const { sent, record, never } = it
      const time = this.#clock + (this.#skew[sent.at] as number)
      if (never) sent.lost = true
      else (this.#logs[sent.at] as LogRecord[]).push({ ...record, time })
    }
  }

  #idle(at: number): void {
    const time = this.#clock + (this.#skew[at] as number)
    const join = { kind: FrameKind.join, unit: 'clock', nonce: 0 }
    this.#logs[at]?.push({ bytes: encodeFrame(join), time })
  }

  #tail(unit: Unit, at: number): void {
    const state = unit.replicas[at] as SpaceState
    const record = this.#logs[at]?.[state.position]
    if (!record) return
    unit.melders[at]?.meld(decodeFrame(record.bytes), state.position + 1, record.time)
    this.#holdsMax = Math.max(this.#holdsMax, state.holds.size)
    for (const { attempt, command } of unit.open) this.#confirm(unit, state, at, attempt, command)
  }

  /** What only reads is confirmed where it stands in the log, by whoever sent it. */
  #confirm(
    unit: Unit,
    state: SpaceState,
    at: number,
    attempt: Attempt | undefined,
    command: Command,
  ): void {
    const [sent] = attempt?.phase === 'check' ? attempt.sents : []
    const checked = sent && unit.checks.get(sent)
    if (!checked || sent.at !== at || state.origins.get(sent.origin)?.lastFrame !== 1) return
    unit.checks.delete(sent)
    if (!isConfirmed(state, checked)) return
    this.#judge.confirmed(sent, checked)
    this.#answer(command)
  }

  #start(unit: Unit, command: Command): Attempt | undefined {
    const attempt = `${command.name}${command.number}.${this.#clock}`
    const parts = command.parts.map(({ at, run }) => ({
      at,
      done: run(unit.replicas[at] as SpaceState),
    }))
    const [coordinator] = parts
    if (!coordinator) throw new Error('a command has a part')
    const key = `key${command.number}`
    if (unit.replicas[coordinator.at]?.find(idempotencyCacheNumber, key)) {
      this.#answer(command)
      return undefined
    }
    if (parts.some(({ done }) => done === 'refused')) return undefined
    const dones = parts.map(({ at, done }) => ({
      at,
      done: done as Exclude<typeof done, 'refused'>,
    }))
    const absent = { cache: idempotencyCacheNumber, key, version: 0 }
    const begun = { id: attempt, decide: undefined, verdict: undefined, finishes: new Map() }
    const notAfter = this.#clock + 40 + this.#pick(160)
    const [first] = dones as [(typeof dones)[number]]
    if (parts.length === 1 && first.done.steps.length === 0) {
      const sent = this.#append(first.at, {}, command, attempt)
      unit.checks.set(sent, { ...sent.record, ...first.done })
      return { ...begun, sents: [sent], notAfter, phase: 'check' }
    }
    if (parts.length === 1) {
      const { reads, ranges, steps } = first.done
      const record = { reads: [...reads, absent], ranges, steps: [...steps, this.#remember(key)] }
      const sents = [this.#append(first.at, record, command, attempt)]
      return { ...begun, sents, notAfter, phase: 'single' }
    }
    const participants = dones.map(({ at }) => at)
    const sents = dones.map(({ at, done: { reads, ranges, steps } }, n) => {
      const hold = {
        ...{ attempt, partition: at, coordinator: first.at, participants, notAfter },
        key: n === 0 ? key : undefined,
      }
      const record = { reads: n === 0 ? [...reads, absent] : reads, ranges, steps, hold }
      return this.#append(at, record, command, attempt)
    })
    return { ...begun, sents, notAfter, phase: 'prepare' }
  }

  #remember(key: string): RememberStep {
    const kind = StepKind.remember
    return { kind, key, command: 'c', input: 'i', data: key, slots: {}, expiresAt: 1e9 }
  }

  #answer(command: Command): void {
    command.answeredAt = Math.min(command.answeredAt, this.#clock)
  }

  #decide(at: number, it: Attempt, verdict: Verdict, command: Command): Sent {
    const remember = this.#remember(`key${command.number}`)
    const { id: attempt, notAfter } = it
    const step: DecideStep = {
      ...{ kind: StepKind.decide, attempt, verdict, asked: false, notAfter },
      remember: verdict === 'commit' ? remember : undefined,
    }
    return this.#append(at, { steps: [step] }, command, attempt)
  }

  #finish(at: number, attempt: string, verdict: Verdict, command: Command): Sent {
    const step: FinishStep = { kind: StepKind.finish, attempt, verdict }
    return this.#append(at, { steps: [step] }, command, attempt)
  }

  #forget(at: number, attempt: string, command: Command): Sent {
    const step: ForgetStep = { kind: StepKind.forget, attempt }
    return this.#append(at, { steps: [step] }, command, attempt)
  }

  /** Returns whether the attempt goes on. */
  #follow(unit: Unit, it: Attempt, command: Command): boolean {
    const [own, ...others] = it.sents as [Sent, ...Sent[]]
    if (it.phase === 'check') return !own.lost && unit.checks.has(own)
    if (it.phase === 'single') {
      const fate = unit.fateOf(own)
      if (own.lost) return false
      if (fate?.outcome === 'applied') this.#answer(command)
      return fate === undefined
    }
    if (it.phase === 'prepare') {
      const votes = it.sents.map((sent) => (sent.lost ? 'no' : unit.fateOf(sent)?.outcome))
      const isLate = this.#clock > it.notAfter && this.#random() < 0.05
      const isNo = votes.some((vote) => vote !== undefined && vote !== 'applied') || isLate
      if (!isNo && votes.includes(undefined)) return true
      it.verdict = isNo ? 'abort' : 'commit'
      it.decide = this.#decide(own.at, it, it.verdict, command)
      it.phase = 'decide'
      return true
    }
    if (it.phase === 'decide') {
      const sent = it.decide as Sent
      if (sent.lost) it.decide = this.#decide(own.at, it, 'abort', command)
      const fate = fateOf(unit.fateOf(sent))
      if (sent.lost || fate === undefined) return true
      it.verdict = fate as Verdict
      if (fate === 'commit') this.#answer(command)
      it.phase = 'finish'
      return true
    }
    let open = false
    for (const sent of others) {
      const finish = it.finishes.get(sent.at)
      if ((finish && unit.fateOf(finish)) || sent.lost) continue
      open = true
      // A prepare that may still land is finished after it has landed.
      if (it.verdict === 'abort' && !unit.fateOf(sent)) continue
      if (!finish || finish.lost)
        it.finishes.set(sent.at, this.#finish(sent.at, it.id, it.verdict as Verdict, command))
    }
    if (!open && it.verdict === 'commit') this.#forget(own.at, it.id, command)
    return open
  }

  /** Whoever keeps a partition looks after holds that have outlived their time. */
  #recoverHold(unit: Unit, at: number): void {
    const state = unit.replicas[at] as SpaceState
    // Asking too early must do no harm.
    const hold = [...state.holds.all()].find(
      ({ notAfter }) => state.time > notAfter || this.#random() < 0.1,
    )
    if (!hold) return
    const { attempt, coordinator, notAfter } = hold
    const asked = unit.asked.get(attempt)
    const fate = asked && fateOf(unit.fateOf(asked))
    if (!asked || asked.lost || fate === 'too early') {
      const step: DecideStep = {
        ...{ kind: StepKind.decide, attempt, verdict: 'abort', asked: true, notAfter },
        remember: undefined,
      }
      const command = this.#judge.commandOf(attempt)
      unit.asked.set(attempt, this.#append(coordinator, { steps: [step] }, command, attempt))
    } else if (fate && at !== coordinator && this.#random() < 0.3) {
      this.#recovered++
      this.#finish(at, attempt, fate as Verdict, this.#judge.commandOf(attempt))
    }
  }

  /** And for commits that nobody has forgotten: a participant that has nothing has finished. */
  #recoverCommit(unit: Unit, at: number): void {
    const state = unit.replicas[at] as SpaceState
    for (const { key, value } of state.cache(state.layout.commits).entries.values()) {
      if (state.time < (value.decidedAt as number) + 100) continue
      const others = (value.participants as number[]).filter((other) => other !== at)
      const command = this.#judge.commandOf(key)
      const finished = others.map((other) => {
        const name = `${key} finish ${other}`
        const sent = unit.asked.get(name)
        if (!sent || sent.lost) unit.asked.set(name, this.#finish(other, key, 'commit', command))
        return sent !== undefined && unit.fateOf(sent) !== undefined
      })
      if (finished.every(Boolean)) this.#forget(at, key, command)
      return
    }
  }

  /** A unit dies; another one starts from a peer's copy; its callers ask again elsewhere. */
  #die(): void {
    const [dead] = this.#units.splice(this.#pick(this.#units.length), 1)
    const peer = this.#units[this.#pick(this.#units.length)] as Unit
    this.#units.push(new Unit(peer.replicas.map((state) => this.#copied(state))))
    for (const { command } of dead?.open ?? [])
      if (command.answeredAt === Number.POSITIVE_INFINITY)
        this.#units[this.#pick(this.#units.length)]?.open.push({ command, attempt: undefined })
  }

  #copied(state: SpaceState): SpaceState {
    const copy = SpaceState.toRestore()
    copy.reshape(state.layout.shape)
    const entries = state.layout.caches.flatMap(({ number }) =>
      [...state.cache(number).entries.values()].map((entry) => ({ number, entry })),
    )
    for (let n = entries.length; n > 0; n--) {
      const [it] = entries.splice(this.#pick(n), 1)
      const { number, entry } = it as (typeof entries)[number]
      copy.restore(number, entry.key, structuredClone(entry.value), entry.version, entry.position)
    }
    copy.adopt(state.header())
    for (const _ of copy.completeIndexes());
    return copy
  }

  /** What is derived from holds is what it would be if it were derived anew. */
  #checkHolds(state: SpaceState): void {
    const anew = new Holds()
    for (const { key, value } of state.cache(state.layout.holds).entries.values())
      anew.set(key, value)
    if (anew.toString() !== state.holds.toString()) this.#judge.problem('holds are not derived')
  }

  #step(): void {
    this.#clock++
    const unit = this.#units[this.#pick(this.#units.length)] as Unit
    const luck = this.#random()
    if (luck < 0.06 && this.#commands.length < 30) {
      const command = randomCommand((n) => this.#pick(n), this.#commands.length, this.#clock)
      this.#commands.push(command)
      unit.open.push({ command, attempt: undefined })
    } else if (luck < 0.4) this.#goOn(unit)
    else if (luck < 0.45) this.#land()
    else if (luck < 0.46) for (let at = 0; at < partitionCount; at++) this.#idle(at)
    else if (luck < 0.5) this.#recoverHold(unit, this.#pick(partitionCount))
    else if (luck < 0.51) this.#recoverCommit(unit, this.#pick(partitionCount))
    else if (luck < 0.513) this.#die()
    else {
      const at = this.#pick(partitionCount)
      for (let n = 1 + this.#pick(8); n > 0; n--) this.#tail(unit, at)
      if (luck < 0.55) this.#checkHolds(unit.replicas[at] as SpaceState)
    }
  }

  #goOn(unit: Unit): void {
    const at = this.#pick(unit.open.length)
    const it = unit.open[at]
    if (!it) return
    if (it.attempt && this.#follow(unit, it.attempt, it.command)) return
    const isAnswered = it.command.answeredAt < Number.POSITIVE_INFINITY
    it.attempt = isAnswered || it.attempt ? undefined : this.#start(unit, it.command)
    if (it.command.answeredAt < Number.POSITIVE_INFINITY && !it.attempt) unit.open.splice(at, 1)
  }

  get #isDone(): boolean {
    return (
      this.#commands.length === 30 &&
      this.#late.length === 0 &&
      this.#commands.every(({ answeredAt }) => answeredAt < Number.POSITIVE_INFINITY) &&
      this.#units.every(
        ({ open, replicas }) =>
          open.length === 0 &&
          replicas.every(
            (state, at) =>
              state.position === this.#logs[at]?.length &&
              state.holds.size === 0 &&
              state.cache(state.layout.commits).entries.size === 0,
          ),
      )
    )
  }

  run(): Outcome {
    for (let step = 0; step < 30_000 && !this.#isDone; step++) this.#step()
    if (!this.#isDone) this.#judge.problem('it does not come to an end')
    for (const unit of this.#units)
      for (let at = 0; at < partitionCount; at++)
        for (const _ of this.#logs[at] ?? []) this.#tail(unit, at)
    const reference = this.#logs.map((log, at) => {
      const state = new SpaceState(dividedShape)
      const melder = this.#judge.follow(state, at)
      for (const [before, { bytes, time }] of log.entries())
        melder.meld(decodeFrame(bytes), before + 1, time)
      return state
    })
    for (const { replicas } of this.#units)
      for (const [at, { digest, holds }] of replicas.entries()) {
        const other = reference[at] as SpaceState
        if (
          digest.toString() !== other.digest.toString() ||
          holds.toString() !== other.holds.toString()
        )
          this.#judge.problem('replicas differ')
      }
    if (reference.some(({ holds }) => holds.size > 0)) this.#judge.problem('held for ever')
    let money = 0
    for (const state of reference)
      for (const key of moneyKeys) money += state.find(accounts, key)?.value.balance as number
    return {
      problems: this.#judge.problems(
        this.#commands,
        money,
        100 * moneyKeys.length * partitionCount,
      ),
      across: this.#judge.across,
      recovered: this.#recovered,
      holdsMax: this.#holdsMax,
    }
  }
}

const fateOf = (evaluation: Evaluation | undefined): HoldFate | undefined =>
  evaluation?.outcome === 'applied' ? (evaluation.outcomes[0] as HoldFate) : undefined
