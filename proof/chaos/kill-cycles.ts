import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { type CrowdFindings, passedOver } from '../support/crowd-audit.ts'
import type { FaultGrid } from '../support/fault-grid.ts'
import type { TicketCrowd } from '../support/ticket-crowd.ts'
import { type Victim, victimsOf } from './victim.ts'

export interface KillCyclesOptions {
  readonly cycles: number
  readonly seed: number
  readonly shoppers: number
  /** Probability that a victim is paused instead of killed. Default 0. */
  readonly pauseShare?: number
  /** How long pauses are, in ms. Default: 11,000 to 15,000, longer than every timeout. */
  readonly pauseMs?: { readonly min: number; readonly max: number }
  readonly report?: (cycle: CycleReport) => void
  /** Ends the cycles early; the audit follows all the same. */
  readonly signal?: AbortSignal
}

export interface CycleReport {
  readonly cycle: number
  readonly fault: 'killed' | 'paused'
  readonly victims: readonly string[]
  readonly tookMs: number
  readonly acknowledged: number
}

export interface KillCyclesSummary {
  readonly cycles: number
  /** How many processes of each role were killed or paused. */
  readonly kills: ReadonlyMap<string, number>
  readonly pauses: ReadonlyMap<string, number>
  readonly acknowledged: number
  /** Requests sent again, by reason. */
  readonly retried: ReadonlyMap<string, number>
  readonly unanswered: number
  readonly customers: number
  /** Customers whom the audit had to pass over. */
  readonly passedOver: number
  readonly findings: CrowdFindings
}

/**
 * Between two faults: long enough for some work, short enough that a fault often meets one that is
 * not over.
 */
const cycleMsMin = 300
const cycleMsMax = 2200
const awayMsMax = 400
/**
 * Longer than every timeout: NATS pings 6 s, appends 5 s, requests 5 s, commands 10 s, MongoDB 5 s.
 */
const longPauseMs = { min: 11_000, max: 15_000 }
/**
 * Probability that a cycle takes all processing units at once, or several processes of any kind.
 */
const allUnitsShare = 0.05
const severalShare = 0.15
const untilFreeMs = 20
/**
 * The more is stored, the longer takes a cold start: enough is under way at any time all the same.
 */
const thinkMsMax = 150
/** Errors that no fault of the world excuses. */
const bugs = ['internal', '500']

/**
 * Kills processes of a grid under load, one random cycle after the other, and starts them again;
 * then looks from outside whether all that was acknowledged is there, once. The plan (who, when,
 * how long) follows from the seed. A victim comes back while the next cycle is under way already;
 * only who is back is chosen again.
 *
 * @throws Error when a process does not come back, or has ended by itself
 */
export async function runKillCycles(
  grid: FaultGrid,
  options: KillCyclesOptions,
): Promise<KillCyclesSummary> {
  const { cycles, seed, shoppers, signal } = options
  const crowd = await grid.crowd({ seed, shoppers, thinkMsMax })
  const plan = new FaultPlan(victimsOf(grid), options)
  let done = 0
  while (done < cycles && !signal?.aborted) {
    await plan.cycle(++done, crowd)
  }
  await plan.recovered()
  const ledger = await crowd.finish()
  const findings = await grid.audit()
  for (const { settings, ended } of grid.cluster.components)
    if (ended !== undefined) findings.wrong.push(`${settings.name} has ended by itself: ${ended}`)
  for (const code of bugs)
    if (crowd.retried.has(code))
      findings.wrong.push(`${crowd.retried.get(code)} requests were answered with ${code}`)
  return {
    cycles: done,
    kills: plan.kills,
    pauses: plan.pauses,
    acknowledged: ledger.acknowledged,
    retried: crowd.retried,
    unanswered: ledger.unanswered.length,
    customers: ledger.customers,
    passedOver: passedOver(ledger).size,
    findings,
  }
}

class FaultPlan {
  readonly kills = new Map<string, number>()
  readonly pauses = new Map<string, number>()
  readonly #victims: readonly Victim[]
  readonly #options: KillCyclesOptions
  readonly #random: SeededRandom
  readonly #away = new Map<Victim, Promise<void>>()
  #failure: Error | undefined

  constructor(victims: readonly Victim[], options: KillCyclesOptions) {
    this.#victims = victims
    this.#options = options
    this.#random = new SeededRandom(options.seed)
  }

  async cycle(cycle: number, crowd: TicketCrowd): Promise<void> {
    const startedAt = performance.now()
    await sleep(cycleMsMin + this.#random.below(cycleMsMax - cycleMsMin))
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
      this.#away.set(victim, back)
    }
    this.#options.report?.({
      cycle,
      fault: isPause ? 'paused' : 'killed',
      victims: victims.map(({ name }) => name),
      tookMs: performance.now() - startedAt,
      acknowledged: crowd.ledger.acknowledged,
    })
  }

  /** @throws the first failure to come back */
  async recovered(): Promise<void> {
    await Promise.all(this.#away.values())
    if (this.#failure) throw this.#failure
  }

  async #choose(): Promise<Victim[]> {
    const luck = this.#random.below(1000) / 1000
    const units = this.#victims.filter(({ role }) => role === 'processing-unit')
    if (luck < allUnitsShare) return await this.#free(units)
    const count = luck < allUnitsShare + severalShare ? 2 + this.#random.below(2) : 1
    const chosen = new Set<Victim>()
    while (chosen.size < count) chosen.add(this.#victims[this.#random.below(this.#victims.length)]!)
    return await this.#free([...chosen])
  }

  /** The plan's choice does not depend on how fast a victim comes back: it is waited for. */
  async #free(victims: readonly Victim[]): Promise<Victim[]> {
    while (victims.some((victim) => this.#away.has(victim))) {
      if (this.#failure) throw this.#failure
      await sleep(untilFreeMs)
    }
    if (this.#failure) throw this.#failure
    return [...victims]
  }

  async #kill(victim: Victim): Promise<void> {
    const awayMs = this.#random.below(awayMsMax)
    await victim.kill()
    await sleep(awayMs)
    await victim.restart()
  }

  async #pause(victim: Victim): Promise<void> {
    const { min, max } = this.#options.pauseMs ?? longPauseMs
    const pausedMs = min + this.#random.below(max - min)
    await victim.pause()
    await sleep(pausedMs)
    await victim.resume()
  }
}

function count(counts: Map<string, number>, role: string): void {
  counts.set(role, (counts.get(role) ?? 0) + 1)
}
