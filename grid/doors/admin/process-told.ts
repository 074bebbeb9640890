import type { PrometheusTelemetry } from './prometheus-telemetry.ts'
import { type StatusSource, type StatusTold, statusIn, wishesOf } from './status-source.ts'

/** How requests of one kind have ended so far. */
export interface RequestFigures {
  /** Upper bounds of the buckets, seconds; one more, without a bound, has the rest. */
  readonly bounds: readonly number[]
  /** Requests in each bucket, whatever they were answered. */
  readonly counts: readonly number[]
  /** Requests by their outcome: `ok`, `rejected`, `overloaded`, … */
  readonly outcomes: Readonly<Record<string, number>>
}

/** What has come through the doors of a process for one space. */
export interface SpaceRequests {
  readonly commands: RequestFigures
  readonly queries: RequestFigures
}

/** What a process says of itself to those who watch the grid: `/status`, and what it counts. */
export interface ProcessTold extends StatusTold {
  /** Why it is not ready, one sentence each. */
  readonly reasons: readonly string[]
  /** What it would have people know although it works. */
  readonly wishes: readonly string[]
  readonly requests?: Readonly<Record<string, SpaceRequests>>
  /** Left out: it is a part of a process that tells of itself. */
  readonly process?: ProcessFigures
  /** Its last word: it stops in good order. */
  readonly gone?: true
}

export interface ProcessFigures {
  readonly pid: number
  readonly uptimeMs: number
  readonly residentBytes: number
  /** Of its life: how long the event loop has worked, and waited, ms. */
  readonly loopActiveMs: number
  readonly loopIdleMs: number
}

const kinds = [
  ['commands', 'spacegrid_command_seconds'],
  ['queries', 'spacegrid_query_seconds'],
] as const

/** Asked for now and then, never on the way of a request. */
export async function processTold(
  source: StatusSource,
  telemetry: PrometheusTelemetry | undefined,
): Promise<ProcessTold> {
  return {
    ...statusIn(source),
    reasons: source.notReady(),
    wishes: wishesOf(source),
    ...(telemetry ? { requests: await requestsOf(telemetry) } : {}),
    process: processFigures(),
  }
}

export function processFigures(): ProcessFigures {
  const { active, idle } = performance.eventLoopUtilization()
  return {
    pid: process.pid,
    uptimeMs: Math.round(performance.now()),
    residentBytes: process.memoryUsage.rss(),
    loopActiveMs: Math.round(active),
    loopIdleMs: Math.round(idle),
  }
}

/** By space, names of commands and queries taken together. */
export async function requestsOf({
  registry,
}: PrometheusTelemetry): Promise<Readonly<Record<string, SpaceRequests>>> {
  const found = new Map<string, { commands: Counting; queries: Counting }>()
  const of = (space: string) => {
    const known = found.get(space) ?? { commands: new Counting(), queries: new Counting() }
    found.set(space, known)
    return known
  }
  for (const [kind, name] of kinds) {
    const metric = await registry.getSingleMetric(name)?.get()
    for (const sample of metric?.values ?? []) {
      const { labels, value } = sample
      const counting = of(String(labels.space))[kind]
      const { metricName } = sample as { readonly metricName?: string }
      if (metricName === `${name}_bucket`) counting.bucket(labels.le, value)
      else if (metricName === `${name}_count`) counting.outcome(String(labels.outcome), value)
    }
  }
  return Object.fromEntries(
    [...found].map(([space, { commands, queries }]) => [
      space,
      { commands: commands.figures(), queries: queries.figures() },
    ]),
  )
}

/** Adds up the series of one kind. */
class Counting {
  /** Bound → requests at or below it. */
  readonly #below = new Map<number, number>()
  readonly #outcomes: Record<string, number> = {}

  bucket(le: unknown, value: number): void {
    const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le)
    this.#below.set(bound, (this.#below.get(bound) ?? 0) + value)
  }

  outcome(outcome: string, value: number): void {
    this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + value
  }

  figures(): RequestFigures {
    const below = [...this.#below].sort(([left], [right]) => left - right)
    return {
      bounds: below.map(([bound]) => bound).filter(Number.isFinite),
      counts: below.map(([, count], at) => count - (below[at - 1]?.[1] ?? 0)),
      outcomes: this.#outcomes,
    }
  }
}
