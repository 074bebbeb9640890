import type { LogName } from '@spacegrid/grid/core/log-name'
import type { Auditor } from '@spacegrid/grid/engine/agreement/auditor'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import type { ClockWatch } from '@spacegrid/grid/engine/replica/clock-watch'
import type { UnreadRecords } from '@spacegrid/grid/engine/replica/unread-records'
import type { PersistedPosition } from './persisted-position.ts'
import type { PumpPorts, PumpSettings } from './pump-options.ts'
import type { PumpTelemetry } from './pump-telemetry.ts'
import type { PumpTracing } from './pump-tracing.ts'
import type { WrongWindows } from './wrong-windows.ts'

/** What a pump keeps over its lives. */
export interface PumpParts {
  readonly logName: LogName
  readonly ports: PumpPorts
  readonly settings: PumpSettings
  readonly report: Report
  readonly persisted: PersistedPosition
  readonly auditor: Auditor
  readonly watch: ClockWatch
  readonly wrongWindows: WrongWindows
  readonly unread: UnreadRecords
  readonly telemetry: PumpTelemetry
  /** undefined: nobody traces commands. */
  readonly tracing: PumpTracing | undefined
}
