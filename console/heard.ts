import type { ProcessTold } from '@spacegrid/grid/doors/admin/process-told'
import type { SpaceFigures } from '@spacegrid/grid/doors/admin/status-source'

/** A process's words, and when they came. */
export interface Told {
  readonly told: ProcessTold
  /** Monotonic ms. */
  readonly at: number
}

/** What is known of a process: its last words, and those before, for what it counts. */
export interface Heard {
  readonly now: Told
  readonly before: Told | undefined
  /** It has said nothing for longer than it may. */
  readonly silent: boolean
}

/** What components say beyond units: the data pump most of all. */
export interface Figures extends SpaceFigures {
  readonly state?: string
  /** Of the pump: the log position up to which everything has been published. */
  readonly published?: number
  readonly image?: string
  readonly imagePosition?: number
}

/** Where a console hears of the processes of a grid. */
export interface Source {
  /** Whoever is not among them has gone in good order. Default: they are heard now and then. */
  readonly isComplete?: boolean
  /** Somebody looks from now on. */
  start(): void
  /** Nobody does any more: it asks nobody anything. */
  stop(): Promise<void>
  /** Those that run, as they have told of themselves last; it may be a moment old. */
  processes(): Promise<readonly ProcessTold[]> | readonly ProcessTold[]
}

const unitRoles: ReadonlySet<string> = new Set(['processing-unit', 'query-unit'])

export const isUnit = ({ role }: ProcessTold): boolean => unitRoles.has(role)

export const figuresIn = ({ spaces }: ProcessTold): readonly (readonly [string, Figures])[] =>
  Object.entries(spaces)

/** What the process holds, whichever of its spaces tells it; undefined: it does not measure. */
export const memoryOf = (told: ProcessTold): Figures['memory'] =>
  figuresIn(told).find(([, { memory }]) => memory)?.[1].memory
