import type { ApplicationFault } from '@spacegrid/grid/core/application-fault'
import type { Space } from '@spacegrid/grid/core/definition'
import type { Host } from '@spacegrid/grid/kit/host'
import type { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import type { Told } from '../check/history.ts'
import type { AskStep } from '../divided/plan.ts'
import type { Ask } from '../workloads/workload.ts'

/** What somebody asks one of the spaces for. */
export interface ReactingAsk extends Ask {
  /** By its log. */
  readonly space: number
}

/** What came of asking; `read`: a query's result. */
export type ToldOrRead = Told | { readonly kind: 'read'; readonly result: unknown }

/** Spaces that react, and what their users do: for one run. */
export interface ReactingApplication {
  /** In the order of their logs. Every process has its own: calls go out from there. */
  spaces(host: Host): readonly Space[]
  /** Commands that come first, each until it has succeeded. */
  readonly setup: readonly ReactingAsk[]
  /** @param number of the question, from 1 */
  next(step: AskStep, number: number): ReactingAsk
  /** Somebody was told something. */
  heard(ask: ReactingAsk, told: ToldOrRead): void
  /** A unit has met a mistake of the application. */
  faulty(space: number, fault: ApplicationFault): void
  /** A log has gone on. */
  logged(space: number): void
  /** A unit is there to be looked at; at the end, when nothing happens any more, all are. */
  inspect?(space: number, unit: ProcessingUnit, name: string, isEnd: boolean): Promise<void>
  /** Nothing goes wrong any more, outside either. */
  calm(): void
  /** What of the outboxes has still to be done. */
  missing(): readonly string[]
  /** The end of a run in which all was well until now: what was not, after all. */
  judge(): readonly string[]
  /** Whatever becomes of the run. */
  close?(): void
}
