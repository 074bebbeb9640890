import { GCProfiler, getHeapStatistics } from 'node:v8'
import type { Operation } from '../processes/subject.ts'

const done = Promise.resolve()
let ownPerOperation: number | undefined

/**
 * Bytes that one operation allocates on the JavaScript heap of this process: how much the heap has
 * grown from the first operation to the last, plus what every collection in between has taken away,
 * which V8 tells for each of them; less what the same loop allocates around an operation that does
 * nothing. Buffers outside the heap are not counted. Whatever else runs in this process meanwhile
 * (a replica's tail, for a command) is part of the price and is counted.
 */
export async function allocatedPerOperation(
  operation: Operation,
  concurrency: number,
  timeMs: number,
): Promise<number> {
  ownPerOperation ??= await allocated(() => done, 1, 100)
  return Math.max(0, (await allocated(operation, concurrency, timeMs)) - ownPerOperation)
}

async function allocated(
  operation: Operation,
  concurrency: number,
  timeMs: number,
): Promise<number> {
  let turn = 0
  // Everything that is made once has been made before counting begins.
  for (let i = 0; i < 100; i++) await operation(turn++)
  const profiler = new GCProfiler()
  profiler.start()
  const before = getHeapStatistics().used_heap_size
  let operations = 0
  const until = performance.now() + timeMs
  const chain = async () => {
    for (; performance.now() < until; operations++) await operation(turn++)
  }
  await Promise.all(Array.from({ length: concurrency }, chain))
  const grown = getHeapStatistics().used_heap_size - before
  const collected = profiler
    .stop()
    .statistics.reduce(
      (sum, { beforeGC, afterGC }) =>
        sum + beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize,
      0,
    )
  return (grown + collected) / operations
}
