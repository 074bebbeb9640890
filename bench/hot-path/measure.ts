import { Bench } from 'tinybench'
import type { Operation } from '../processes/subject.ts'

/** What tinybench saw of one task with so many at a time. */
export interface Timing {
  /** Operations completed per second of wall time. */
  readonly perSecond: number
  /** ms */
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly operations: number
  /** Runs again after a collision, per operation. */
  readonly collisions: number
}

/**
 * Runs one task with so many at a time for `timeMs`, after a warm-up.
 * @param collisions so far, on whatever the task works on
 */
export async function measure(
  name: string,
  operation: Operation,
  concurrency: number,
  timeMs: number,
  collisions: () => number = () => 0,
): Promise<Timing> {
  let turn = 0
  let from = 0
  let elapsedMs = 0
  let operations = 0
  let collisionsBefore = 0
  const bench = new Bench({
    concurrency: concurrency === 1 ? null : 'task',
    threshold: concurrency,
    time: timeMs,
    // With concurrency, iterations are an upper bound for tinybench, not a lower one: only the time
    // shall count.
    iterations: 0,
    warmupTime: Math.max(100, timeMs / 2),
    warmupIterations: 0,
    throws: true,
    setup: () => {
      from = performance.now()
      operations = 0
      collisionsBefore = collisions()
    },
    teardown: () => {
      elapsedMs = performance.now() - from
    },
  })
  bench.add(name, async () => {
    operations++
    await operation(turn++)
  })
  await bench.run()
  const result = bench.tasks[0]?.result
  if (!result || !('latency' in result) || !result.latency)
    throw new Error(`${name} at ${concurrency} gave no result`)
  const { p50, p99, p999 } = result.latency
  return {
    perSecond: Math.round((operations * 1000) / elapsedMs),
    p50,
    p99,
    p999,
    operations,
    collisions: (collisions() - collisionsBefore) / operations,
  }
}
