/** What is used here of V8's CPU profile. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: {
      readonly functionName: string
      readonly url: string
      /** From 0. */
      readonly lineNumber: number
    }
  }[]
  /** Ids of nodes. */
  readonly samples: readonly number[]
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[]
}

export interface SelfTimes {
  readonly totalMs: number
  readonly idleMs: number
  /** Longest first; `name` with the file and line where it stands. */
  readonly functions: readonly { readonly name: string; readonly ms: number }[]
}

/** How long each function ran itself, without those that it called. */
export function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): SelfTimes {
  const nameOf = new Map(nodes.map(({ id, callFrame }) => [id, nameOfFrame(callFrame)]))
  const times = new Map<string, number>()
  for (const [i, sample] of samples.entries()) {
    const name = nameOf.get(sample) ?? 'unknown'
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[i] ?? 0) / 1000)
  }
  const idleMs = times.get('(idle)') ?? 0
  const totalMs = [...times.values()].reduce((sum, ms) => sum + ms, 0)
  times.delete('(idle)')
  const functions = [...times].map(([name, ms]) => ({ name, ms })).sort((a, b) => b.ms - a.ms)
  return { totalMs, idleMs, functions }
}

type CallFrame = CpuProfile['nodes'][number]['callFrame']

/** The last two folders of a path are enough to find a file, and tell nothing of the machine. */
function nameOfFrame({ functionName, url, lineNumber }: CallFrame): string {
  const name = functionName || '(anonymous)'
  if (url === '') return name
  return `${name}, ${url.split('/').slice(-3).join('/')}:${lineNumber + 1}`
}
