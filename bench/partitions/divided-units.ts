import { setTimeout as pause } from 'node:timers/promises'
import type { GoalContext } from '../goals/goal-context.ts'
import { newSpaceName } from '../hot-path/bench-unit.ts'
import type { RunningSubject } from '../processes/running-subject.ts'
import type { DividedUnitOptions, Kept } from '../subjects/divided-unit.ts'

/** A million entries in one process, and a collection when it is asked for. */
export const largeFlags = [
  '--max-semi-space-size=16',
  '--max-old-space-size=12288',
  '--expose-gc',
] as const

const lookMs = 200
/** Nothing has changed for so long: whoever gives a copy up has done so by then. */
const stillMs = 2500
/** Enough where figures mean nothing. */
const stillSmallMs = 300
const settledMsMax = 600_000
const namesMax = 20

export interface DividedOptions {
  readonly partitions: number
  readonly copies: number
  readonly entries: number
}

/** Processes that keep one space, which may be divided, on the NATS server of the run. */
export class DividedUnits {
  readonly options: DividedUnitOptions
  readonly #context: GoalContext
  readonly units: RunningSubject[] = []
  #started = 0

  /**
   * Two units, each of which is home of something: which that is the space's name decides, and with
   * few partitions one of them may be left without.
   */
  static async startTwo(context: GoalContext, options: DividedOptions): Promise<DividedUnits> {
    for (let names = 1; ; names++) {
      const two = await DividedUnits.start(context, 2, options)
      const [kept] = await two.kept()
      if (new Set(kept?.homes).size === 2) return two
      await two.close()
      if (names === namesMax) throw new Error(`of ${names} spaces none has a home in both units`)
    }
  }

  /** The units, with entries, and everything where it belongs. */
  static async start(
    context: GoalContext,
    count: number,
    { partitions, copies, entries }: DividedOptions,
  ): Promise<DividedUnits> {
    const natsUrl = await context.servers.url('nats')
    const shared = { natsUrl, space: newSpaceName(), partitions, copies, entries, number: 0 }
    const units = new DividedUnits(context, shared)
    context.say(`starting ${count} units of ${partitions} partitions, ${entries} entries`)
    // The first one keeps everything until the others are there: they shall join an empty space,
    // and take in what is written like everybody else.
    for (let number = 0; number < count; number++) await units.add()
    await units.settle()
    await units.first.request('load')
    await units.settle()
    return units
  }

  private constructor(context: GoalContext, options: DividedUnitOptions) {
    this.#context = context
    this.options = options
  }

  get first(): RunningSubject {
    return this.units[0] as RunningSubject
  }

  async add(): Promise<RunningSubject> {
    const options = { ...this.options, number: this.#started++ }
    const unit = await this.#context.start('divided-unit', options, largeFlags)
    this.units.push(unit)
    return unit
  }

  async client(): Promise<RunningSubject> {
    const { natsUrl, space, partitions, entries } = this.options
    return await this.#context.start('divided-client', { natsUrl, space, partitions, entries })
  }

  /** Partitions that each unit keeps, once whoever has come last has taken its part. */
  get #share(): number {
    const { partitions, copies } = this.options
    const { length: count } = this.units
    return (partitions * Math.min(copies, count)) / count
  }

  kept(): Promise<Kept[]> {
    return Promise.all(this.units.map((unit) => unit.request<Kept>('kept')))
  }

  /** Waits until all agree on who is there, and nothing moves any more. */
  async settle(): Promise<void> {
    if (this.options.partitions === 1) return
    const restMs = this.#context.settings.small ? stillSmallMs : stillMs
    const until = performance.now() + settledMsMax
    let stillSince = performance.now()
    let before = ''
    for (;;) {
      const kept = await this.kept()
      const now = performance.now()
      const seen = JSON.stringify(kept.map(({ homes, entries }) => [homes, [...entries.keys()]]))
      const isShared = kept.every(({ entries }) => entries.size > this.#share - 2)
      const isSettled =
        isShared && kept.every((it) => it.settled && it.members === this.units.length)
      if (!isSettled || seen !== before) stillSince = now
      before = seen
      if (isSettled && now - stillSince >= restMs) break
      if (now > until) throw new Error(`The units of ${this.options.space} do not come to rest`)
      await pause(lookMs)
    }
  }

  /** Processor time of all units, ms. */
  async cpuMs(): Promise<number> {
    const each = await Promise.all(this.units.map((unit) => unit.cpuMs()))
    return each.reduce((sum, ms) => sum + ms, 0)
  }

  async close(): Promise<void> {
    await Promise.all(this.units.map((unit) => this.#context.close(unit)))
  }
}
