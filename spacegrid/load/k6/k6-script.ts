import { readFile } from 'node:fs/promises'
import type { RateCurve } from '../rate-curve.ts'
import { eventSections } from '../ticketing/event-layout.ts'
import { eventIdsOf, type TicketingOptions } from '../ticketing/ticketing.ts'

export interface K6Options extends TicketingOptions {
  readonly url: URL
  readonly runId: string
  readonly headers: Readonly<Record<string, string>>
  readonly users: number | undefined
  readonly thinkSeconds: number
  readonly drainSeconds: number
  readonly timeoutMs: number
  readonly openMax: number
}

/** k6 takes whole rates only: those of a minute lose nothing that matters. */
const timeUnit = '60s'
const perUnit = 60

/**
 * A script for k6 that sends the users of ticketing with the same plan: the second opinion of a
 * generator that is not ours.
 */
export async function k6Script(curve: RateCurve, options: K6Options): Promise<string> {
  const { url, seats, events, runId, users, hot, browse, specific, confirm } = options
  const { headers, thinkSeconds, drainSeconds, timeoutMs, openMax } = options
  const plan = {
    ...{ url: url.origin + url.pathname.replace(/\/$/, ''), runId },
    ...{ users, hot, browse, specific, confirm },
    ...{ headers, thinkSeconds, drainSeconds, timeoutMs, openMax },
    ...{ eventIds: eventIdsOf(runId, events), sections: eventSections(seats) },
    ...stagesOf(curve),
    timeUnit,
  }
  const script = await readFile(new URL('./ticketing.k6.mjs', import.meta.url), 'utf8')
  return script.replace('const plan = {}', () => `const plan = ${JSON.stringify(plan, null, 2)}`)
}

interface Stage {
  readonly duration: string
  readonly target: number
}

/** A rate that jumps is a stage that takes no time. */
function stagesOf({ segments }: RateCurve): { startRate: number; stages: Stage[] } {
  const whole = (rate: number) => Math.round(rate * perUnit)
  const startRate = whole(segments[0]?.startRate ?? 0)
  const stages: Stage[] = []
  let rate = startRate
  for (const segment of segments) {
    const [from, target] = [whole(segment.startRate), whole(segment.endRate)]
    if (from !== rate) stages.push({ duration: '0s', target: from })
    stages.push({ duration: `${Math.round(segment.durationSeconds * 1000)}ms`, target })
    rate = target
  }
  return { startRate, stages }
}
