import type { Report } from '@spacegrid/grid/engine/life/role-event'
import type { RehydrationSource } from '@spacegrid/grid/engine/replica/rehydration'
import type { UnitOptions } from './unit-options.ts'

export interface ProcessingUnitOptions extends Partial<UnitOptions> {
  /** The partition that it keeps, of a space with several. */
  readonly partition?: number
  /** Where an exact state may come from, in the order of preference. Default: peer, reader, log. */
  readonly sources?: readonly RehydrationSource[]
  /** Told what people should know. Default: nothing is told. */
  readonly report?: Report
}
