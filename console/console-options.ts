import type { FaultLog } from '@spacegrid/grid/doors/request/public-error'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { AccessOptions } from './access.ts'
import type { Driver, Looking, Spike } from './control.ts'
import type { Source } from './heard.ts'

export interface ConsoleOptions {
  readonly source: Source
  readonly clock: Clock
  readonly log: FaultLog
  readonly access: AccessOptions
  /** `embedded`: everything in one process; `grid`: processes of their own. */
  readonly kind: 'embedded' | 'grid'
  /**
   * Where the grid's public HTTP door is, for pages that are served elsewhere. Left out: the pages
   * are served by that door itself.
   */
  readonly gridUrl?: URL
  /** How it says who it is there, for viewers who do not say it themselves. */
  readonly gridHeaders?: Readonly<Record<string, string>>
  /** Left out: units cannot be added or ended here. */
  readonly driver?: Driver
  /** Left out: no load can be made here. */
  readonly spike?: Spike
  readonly looking: Looking
}
