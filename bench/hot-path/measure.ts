import { Bench } from 'tinybench'
import type { BenchUnit } from './bench-unit.ts'
import type { BenchTask } from './tasks.ts'

export interface Measurement {
  readonly task: string
  readonly log: string
  readonly concurrency: number
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

/** Runs one task with so many at a time for `timeMs`, after a warm-up. */
export async function measure(
  { unit, log }: BenchUnit,
  task: BenchTask,
  concurrency: number,
  timeMs: number,
): Promise<Measurement> {
  let turn = 0
  let from = 0
  let elapsedMs = 0
  let operations = 0
  let collisionsBefore = 0
  const bench = new Bench({
    concurrency: concurrency === 1 ? null : 'task',
    threshold: concurrency,
    time: timeMs,
    // With concurrency, iterations are an upper bound for tinybench, not a lower one: only the time shall count.
    iterations: 0,
    warmupTime: Math.max(100, timeMs / 2),
    warmupIterations: 0,
    throws: true,
    setup: () => {
      from = performance.now()
      operations = 0
      collisionsBefore = unit.status().collisions
    },
    teardown: () => {
      elapsedMs = performance.now() - from
    },
  })
  bench.add(task.name, async () => {
    operations++
    await task.run(unit, turn++)
  })
  await bench.run()
  const result = bench.tasks[0]?.result
  if (!result || !('latency' in result) || !result.latency)
    throw new Error(`${task.name} at ${concurrency} gave no result`)
  const { p50, p99, p999 } = result.latency
  return {
    task: task.name,
    log: task.commits ? log : 'none',
    concurrency,
    perSecond: Math.round((operations * 1000) / elapsedMs),
    p50,
    p99,
    p999,
    operations,
    collisions: (unit.status().collisions - collisionsBefore) / operations,
  }
}
