/** What can be done to a unit. */
export type UnitAction = 'stop' | 'kill' | 'start'

/** Whoever runs the units, as far as it lets others add and end them. */
export interface Driver {
  /** In one sentence, for people: what it can do, and what it cannot and why. */
  readonly about: string
  /** Whether it can start one more; the reason why not, for people. */
  readonly add: true | string
  /** What can be done to each unit now, by its name. */
  units(): Readonly<Record<string, readonly UnitAction[]>>
  /** @returns the name of the new unit, once it serves */
  addUnit(): Promise<string>
  /** Resolves when it is done. */
  act(unit: string, action: UnitAction): Promise<void>
}

export const spikeSizes = ['small', 'medium', 'large'] as const
export type SpikeSize = (typeof spikeSizes)[number]

/** Users who come all at once, from a generator on this machine: bounded in count and time. */
export interface Spike {
  /** What each size is, for people. */
  readonly sizes: Readonly<Record<SpikeSize, string>>
  /** @throws GridError `contended` while one is under way */
  start(size: SpikeSize): void
  /** Ends the arrivals; users who are there finish, and the audit follows. */
  stop(): void
  status(): SpikeStatus
}

export interface SpikeStatus {
  /** `ending`: no more users come, those who are there finish, and what they bought is audited. */
  readonly phase: 'idle' | 'starting' | 'running' | 'ending'
  readonly size: SpikeSize | null
  /** Ms since the epoch. */
  readonly startedAt: number | null
  readonly durationMs: number
  /** Of the last one, by application. */
  readonly results: readonly SpikeResult[]
}

export interface SpikeResult {
  readonly application: string
  /** What went wrong with the generator itself; null: nothing. */
  readonly fault: string | null
  readonly users: number
  readonly offered: number
  readonly admitted: number
  readonly shed: number
  readonly failed: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly auditPassed: boolean | null
}

/** What the caches of a space hold, for those who may see all of it. */
export interface Looking {
  /** @throws GridError `not_ready`, `unknown_cache`, `invalid_input` */
  look(asked: LookAsked): Promise<unknown>
}

export interface LookAsked {
  readonly space: string
  /** Left out: how many entries each cache has. */
  readonly cache?: string | undefined
  /** Entries before the page. */
  readonly offset: number
  /** Entries of a page. */
  readonly limit: number
  /** The last page, in place of the one behind the offset. */
  readonly newest?: true
}
