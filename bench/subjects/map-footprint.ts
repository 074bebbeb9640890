import { itemOf } from '../hot-path/bench-space.ts'
import type { Subject } from '../processes/subject.ts'

export interface MapFootprintOptions {
  readonly entries: number
}

/**
 * What the same objects take in a bare Map. Each comes out of bytes, as it does in a grid: no two
 * share a string.
 */
export async function open({ entries }: MapFootprintOptions): Promise<Subject> {
  const map = new Map<string, object>()
  for (let number = 0; number < entries; number++) {
    const item = JSON.parse(JSON.stringify(itemOf(number))) as { itemId: string }
    map.set(item.itemId, item)
  }
  return {
    operations: {},
    requests: {
      usage: () => {
        globalThis.gc?.()
        const { heapUsed, external } = process.memoryUsage()
        // The Map must live until here.
        return { bytes: heapUsed + external, entries: map.size }
      },
    },
    close: async () => undefined,
  }
}
