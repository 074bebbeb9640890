/** One thing that the deployment manager has done, or would have done if it had helped. */
export interface ScalingDecision {
  /** ms since the epoch. */
  readonly at: number
  /** Of the manager. */
  readonly by: string
  /** `hold`: nothing, though more were wished for. `failed`: it could not be done. */
  readonly action: 'scale_out' | 'scale_in' | 'replace' | 'hold' | 'failed'
  /** What it rests on, in one word. */
  readonly cause: string
  readonly from: number
  readonly to: number
  /** The signals and the reason, for people. */
  readonly why: string
}

/** What the deployment manager shows of its work. */
export interface ScalingStatus {
  /** Whether this process works; others stand by. */
  readonly active: boolean
  /** Who works, as far as this one knows. */
  readonly holder: string | null
  readonly driver: string
  /** As the driver was told last. */
  readonly wanted: number
  readonly ready: number
  readonly starting: number
  /** Units that stand by warm. */
  readonly spares: number
  /** Units that are ready, and say nothing of how they fare. */
  readonly silent: number
  readonly unitsMin: number
  readonly unitsMax: number
  /** That were used within 24 hours. */
  readonly unitHours: number
  /** 0: without end. */
  readonly unitHoursMax: number
  /** How long a unit takes from being asked for until it serves, ms. */
  readonly startMs: number
  /** How often it has done what, by action and cause, since this process began. */
  readonly counts: readonly {
    readonly action: string
    readonly cause: string
    readonly count: number
  }[]
  /** The newest last. */
  readonly decisions: readonly ScalingDecision[]
}

/** What is kept of the decisions, for whoever takes over and for people. */
export const decisionsMax = 100

/** One line of the log that people read. */
export function scalingLine({ at, by, action, from, to, why }: ScalingDecision): string {
  const change = from === to ? `${from} units stay` : `${from} → ${to} units`
  const told = action === 'failed' ? `${change} (failed)` : change
  return `${new Date(at).toISOString()}  ${by}  ${told}: ${why}`
}
