import { build, type Histogram } from 'hdr-histogram-js'
import { randomExponential, seededRandom } from 'spacegrid/load/random'
import type { Operation, RunResult, RunSettings } from './subject.ts'

/** Latencies are kept in steps of 100 ns. */
const stepsPerMs = 10_000
/** Operations without a promise between two looks at the clock. */
const batch = 500

interface Tally {
  readonly histogram: Histogram
  operations: number
  failed: number
  failure?: string
}

/** Turns go on from run to run: one that starts again would find its keys warm. */
let turn = 0

export async function runLoop(
  operation: Operation,
  { inFlight, rate, ms }: RunSettings,
  retries: () => number,
): Promise<RunResult> {
  const tally: Tally = {
    histogram: build({ bitBucketSize: 32, numberOfSignificantValueDigits: 3 }),
    operations: 0,
    failed: 0,
  }
  const first = operation(turn++)
  const answersLater = isPromise(first)
  // Not counted, and if it fails the next ones will tell.
  if (answersLater) await Promise.allSettled([first])
  const retriesBefore = retries()
  const from = performance.now()
  if (!answersLater) runBatches(operation, ms, tally)
  else if (rate !== undefined) await runOpen(operation, rate, ms, tally)
  else {
    const until = from + ms
    await Promise.all(Array.from({ length: inFlight }, () => runChain(operation, until, tally)))
  }
  const elapsedMs = performance.now() - from
  const { histogram, ...counts } = tally
  const at = (percentile: number) => histogram.getValueAtPercentile(percentile) / stepsPerMs
  return {
    ...counts,
    retries: retries() - retriesBefore,
    elapsedMs,
    perSecond: (tally.operations * 1000) / elapsedMs,
    p50: at(50),
    p99: at(99),
    p999: at(99.9),
    max: histogram.maxValue / stepsPerMs,
  }
}

async function runChain(operation: Operation, until: number, tally: Tally): Promise<void> {
  for (let from = performance.now(); from < until; from = performance.now()) {
    try {
      await operation(turn++)
      tally.operations++
    } catch (error) {
      fail(tally, error)
    }
    record(tally, performance.now() - from)
  }
}

function runBatches(operation: Operation, ms: number, tally: Tally): void {
  const until = performance.now() + ms
  for (let from = performance.now(); from < until; ) {
    for (let count = 0; count < batch; count++) operation(turn++)
    const now = performance.now()
    tally.operations += batch
    record(tally, (now - from) / batch)
    from = now
  }
}

/**
 * Arrivals at random moments (a Poisson process). Latency counts from the moment an operation was
 * due, so a stall is felt by everybody it delays. Between two arrivals the event loop keeps
 * turning, because timers are too coarse for them.
 */
async function runOpen(
  operation: Operation,
  rate: number,
  ms: number,
  tally: Tally,
): Promise<void> {
  const random = seededRandom(1)
  const gapMs = 1000 / rate
  const open = new Set<Promise<void>>()
  const from = performance.now()
  let due = from
  for (let now = from; now < from + ms; now = performance.now()) {
    while (due <= now) {
      const one = runOnce(operation, due, tally)
      open.add(one)
      void one.then(() => open.delete(one))
      due += gapMs * randomExponential(random)
    }
    await new Promise((turned) => setImmediate(turned))
  }
  await Promise.all(open)
}

async function runOnce(operation: Operation, due: number, tally: Tally): Promise<void> {
  try {
    await operation(turn++)
    tally.operations++
  } catch (error) {
    fail(tally, error)
  }
  record(tally, performance.now() - due)
}

function record({ histogram }: Tally, ms: number): void {
  histogram.recordValue(Math.max(0, Math.round(ms * stepsPerMs)))
}

function fail(tally: Tally, error: unknown): void {
  tally.failed++
  tally.failure ??= error instanceof Error ? error.message : String(error)
}

const isPromise = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'then' in value
