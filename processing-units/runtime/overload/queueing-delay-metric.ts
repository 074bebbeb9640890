import type { LogName } from '@spacegrid/grid/core/log-name'
import type { Distribution, Telemetry } from '@spacegrid/grid/engine/ports/telemetry'

export const queueingDelayMetric = {
  name: 'spacegrid_queueing_delay_seconds',
  help: 'Time that commands wait before they are sent to the log, of one at a time',
  labels: ['space'],
  bounds: [
    ...[0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05],
    ...[0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  ],
}

export const queueingDelayOf = (
  telemetry: Telemetry | undefined,
  logName: LogName,
): Distribution | undefined => telemetry?.distribution(queueingDelayMetric, [logName])
