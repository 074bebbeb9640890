import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import type { Victim } from './victim.ts'

export interface FaultPlanOptions {
  readonly seed: number
  /** Probability that a victim is paused instead of killed. Default 0. */
  readonly pauseShare?: number
  /** How long pauses are, in ms. Default: 11,000 to 15,000, longer than every timeout. */
  readonly pauseMs?: Between
  /** From one fault to the next, in ms. Default: 300 to 2,200. */
  readonly cycleMs?: Between
  /** While somebody has been away for longer there are no more faults, ms. Default 20,000. */
  readonly awayMsMax?: number
}

export interface Between {
  readonly min: number
  readonly max: number
  /** 1, the default: all are as likely; the higher, the more of them are short. */
  readonly skew?: number
}

export interface Fault {
  readonly fault: 'killed' | 'paused'
  readonly victims: readonly string[]
}

/**
 * Between two faults: long enough for some work, short enough that a fault often meets one that is
 * not over.
 */
const usualCycleMs: Between = { min: 300, max: 2200 }
const restMsMax = 400
/**
 * Longer than every timeout: NATS pings 6 s, appends 5 s, requests 5 s, commands 10 s, MongoDB 5 s.
 */
const longPauseMs: Between = { min: 11_000, max: 15_000 }
/**
 * Probability that a cycle takes all processing units at once, or several processes of any kind.
 */
const allUnitsShare = 0.05
const severalShare = 0.15
const untilFreeMs = 20
/**
 * Somebody who comes back needs the others: a grid of which one is killed whenever it could give
 * another one a copy never comes back, and how soon that is so depends on the machine alone.
 */
const awayMsMaxDefault = 20_000

/**
 * Kills and pauses processes, one random cycle after the other, and brings them back. Who, when and
 * how long follows from the seed. A victim comes back while the next cycle is under way already;
 * only who is back is chosen again. Whoever takes long to come back is left in peace for it.
 */
export class FaultPlan {
  /** How many processes of each role. */
  readonly kills = new Map<string, number>()
  readonly pauses = new Map<string, number>()
  readonly #victims: readonly Victim[]
  readonly #options: FaultPlanOptions
  readonly #random: SeededRandom
  readonly #away = new Map<Victim, { readonly since: number; readonly back: Promise<void> }>()
  #failure: Error | undefined

  constructor(victims: readonly Victim[], options: FaultPlanOptions) {
    this.#victims = victims
    this.#options = options
    this.#random = new SeededRandom(options.seed)
  }

  /** @throws the first failure to come back */
  async cycle(): Promise<Fault> {
    await sleep(this.#within(this.#options.cycleMs ?? usualCycleMs))
    const isPause = this.#random.chance(this.#options.pauseShare ?? 0)
    const victims = await this.#choose()
    for (const victim of victims) {
      count(isPause ? this.pauses : this.kills, victim.role)
      const back = (isPause ? this.#pause(victim) : this.#kill(victim)).then(
        () => void this.#away.delete(victim),
        (error: Error) => {
          this.#failure ??= error
          this.#away.delete(victim)
        },
      )
      this.#away.set(victim, { since: performance.now(), back })
    }
    return { fault: isPause ? 'paused' : 'killed', victims: victims.map(({ name }) => name) }
  }

  /** @throws the first failure to come back */
  async recovered(): Promise<void> {
    await Promise.all([...this.#away.values()].map(({ back }) => back))
    if (this.#failure) throw this.#failure
  }

  async #choose(): Promise<Victim[]> {
    const luck = this.#random.below(1000) / 1000
    const units = this.#victims.filter(({ role }) => role === 'processing-unit')
    if (luck < allUnitsShare) return await this.#free(units)
    const wanted = luck < allUnitsShare + severalShare ? 2 + this.#random.below(2) : 1
    const count = Math.min(wanted, this.#victims.length)
    const chosen = new Set<Victim>()
    while (chosen.size < count) chosen.add(this.#victims[this.#random.below(this.#victims.length)]!)
    return await this.#free([...chosen])
  }

  /** The plan's choice does not depend on how fast a victim comes back: it is waited for. */
  async #free(victims: readonly Victim[]): Promise<Victim[]> {
    while (victims.some((victim) => this.#away.has(victim)) || this.#isLong()) {
      if (this.#failure) throw this.#failure
      await sleep(untilFreeMs)
    }
    if (this.#failure) throw this.#failure
    return [...victims]
  }

  #isLong(): boolean {
    const { awayMsMax = awayMsMaxDefault } = this.#options
    const before = performance.now() - awayMsMax
    return [...this.#away.values()].some(({ since }) => since <= before)
  }

  async #kill(victim: Victim): Promise<void> {
    const awayMs = this.#random.below(restMsMax)
    await victim.kill()
    await sleep(awayMs)
    await victim.restart()
  }

  async #pause(victim: Victim): Promise<void> {
    const pausedMs = this.#within(this.#options.pauseMs ?? longPauseMs)
    await victim.pause()
    await sleep(pausedMs)
    await victim.resume()
  }

  #within({ min, max, skew = 1 }: Between): number {
    const share = this.#random.below(1 << 20) / (1 << 20)
    return min + (max - min) * share ** skew
  }
}

function count(counts: Map<string, number>, role: string): void {
  counts.set(role, (counts.get(role) ?? 0) + 1)
}

/** `7 (nats 4, data-pump 3)`, the most first. */
export function counted(counts: ReadonlyMap<string, number>): string {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  const parts = [...counts].sort(([, one], [, other]) => other - one)
  return total === 0 ? 'none' : `${total} (${parts.map(([what, n]) => `${what} ${n}`).join(', ')})`
}
