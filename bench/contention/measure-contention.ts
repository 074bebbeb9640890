import { isGridError, Rejection } from '@spacegrid/grid/core/errors'
import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { randomBelow, randomExponential, seededRandom } from 'spacegrid/load/random'
import { spreadOf } from '../goals/spread.ts'
import { newSpaceName } from '../hot-path/bench-unit.ts'
import { bookCollisions, type Contention, expectedCollisions } from './collision-rate.ts'
import type { Asking, Work } from './contention-work.ts'
import { DelayedLog } from './delayed-log.ts'

/** What is asked for; the rate is that of users, each with a command or two. */
export interface ContentionPlan extends Contention {
  readonly work: Work
  readonly ms: number
  readonly seed: number
}

export interface ContentionFigure extends Contention {
  readonly work: string
  /** Asked for; what there was is in `updatesPerSecond` and `replicationMs`. */
  readonly planned: Contention
  readonly commandsPerSecond: number
  readonly collisions: number
  readonly collisionsPerSecond: number
  readonly failed: number
  readonly book: number
  readonly expected: number
}

/**
 * Real units on one JetStream log, each with a connection of its own that is as far away as is
 * asked for. Users come in an open loop at random moments, to a random unit, for a random entry.
 * The replication latency is measured in the same run: the median time from a command's execution
 * until its unit has seen it in the log. Another unit that is as far away sees it then, too.
 */
export async function measureContention(
  natsUrl: string,
  plan: ContentionPlan,
): Promise<ContentionFigure> {
  const { work, entries, units: count, replicationMs } = plan
  const units = await openUnits(natsUrl, work, count, replicationMs)
  try {
    const [first] = units.all
    if (!first) throw new Error('At least one unit is needed')
    await work.prepare(askingOf(first, new Tally()), entries)
    await settled(units.all)
    const tally = new Tally()
    const before = collisionsOf(units.all)
    const seconds = await offer(units.all, plan, tally)
    await settled(units.all)
    const collisions = collisionsOf(units.all) - before
    const measured: Contention = {
      ...{ units: count, entries },
      updatesPerSecond: tally.accepted / seconds,
      replicationMs: tally.medianMs,
    }
    const commandsPerSecond = tally.asked / seconds
    return {
      ...{ work: work.name, ...measured, commandsPerSecond, failed: tally.failed },
      planned: { ...measured, updatesPerSecond: plan.updatesPerSecond, replicationMs },
      ...{ collisions, collisionsPerSecond: collisions / seconds },
      book: bookCollisions(measured),
      expected: expectedCollisions(measured, commandsPerSecond),
    }
  } finally {
    await units.close()
  }
}

class Tally {
  asked = 0
  accepted = 0
  failed = 0
  readonly #times: number[] = []

  took(ms: number): void {
    this.#times.push(ms)
  }

  get medianMs(): number {
    return spreadOf(this.#times).median
  }
}

/** Each unit counts those of its own commands. */
const collisionsOf = (units: readonly ProcessingUnit[]): number =>
  units.reduce((sum, unit) => sum + unit.status().collisions, 0)

const askingOf = (unit: ProcessingUnit, tally: Tally): Asking => ({
  async execute(command, input) {
    const from = performance.now()
    tally.asked += 1
    try {
      const answer = await unit.execute(command, input)
      tally.accepted += 1
      tally.took(performance.now() - from)
      return answer
    } catch (error) {
      if (error instanceof Rejection) return undefined
      // Collided too often: the figure says how many.
      if (!isGridError(error)) throw error
      tally.failed += 1
      return undefined
    }
  },
})

/** In seconds. */
async function offer(
  units: readonly ProcessingUnit[],
  { work, entries, updatesPerSecond, ms, seed }: ContentionPlan,
  tally: Tally,
): Promise<number> {
  const random = seededRandom(seed)
  const asking = units.map((unit) => askingOf(unit, tally))
  const open = new Set<Promise<void>>()
  const from = performance.now()
  let number = 0
  let due = 0
  while (due < ms) {
    due += (randomExponential(random) * 1000) / updatesPerSecond
    const waitMs = due - (performance.now() - from)
    if (waitMs > 0) await new Promise((wake) => setTimeout(wake, waitMs))
    const unit = asking[randomBelow(random, asking.length)] as Asking
    const asked: Promise<void> = work
      .ask(unit, randomBelow(random, entries), number++)
      .finally(() => open.delete(asked))
    open.add(asked)
  }
  const seconds = (performance.now() - from) / 1000
  await Promise.all(open)
  return seconds
}

async function openUnits(natsUrl: string, work: Work, count: number, replicationMs: number) {
  const name = newSpaceName()
  const clock = new SystemClock()
  const messaging = new InProcessMessaging(clock)
  const logs = await Promise.all(
    Array.from({ length: count }, () =>
      JetStreamLog.open(natsUrl, { stream: streams.log(name), subject: subjects.log(name) }),
    ),
  )
  const all = logs.map((log, index) => {
    const ports = { log: new DelayedLog(log, replicationMs), messaging, clock }
    const random = new SystemRandom()
    const unit = new ProcessingUnit(`unit-${index}`, work.space, { ...ports, random }, options)
    unit.start()
    return unit
  })
  while (!all.every((unit) => unit.readiness().ready)) await pause()
  const close = async () => {
    await Promise.all(all.map((unit) => unit.stop()))
    await Promise.all(logs.map((log) => log.close()))
  }
  return { all, close }
}

const options = { sources: ['log' as const] }

/** Until every unit has melded what any of them has. */
async function settled(units: readonly ProcessingUnit[]): Promise<void> {
  const positions = () => units.map((unit) => unit.status().position)
  const newest = Math.max(...positions())
  while (positions().some((position) => position < newest)) await pause()
}

const pause = () => new Promise((wake) => setTimeout(wake, 5))
