import type { LogName } from '@spacegrid/grid/core/log-name'
import { logAppendMetric, ObservedLog } from '@spacegrid/grid/engine/measure/observed-log'
import type { UnitPorts } from './unit-ports.ts'

/** What a unit works with, its log observed where somebody looks. */
export function observedPorts(ports: UnitPorts, logName: LogName): UnitPorts {
  const { log, clock, telemetry } = ports
  if (!telemetry) return ports
  return { ...ports, log: new ObservedLog(log, clock, telemetry, logAppendMetric, logName) }
}
