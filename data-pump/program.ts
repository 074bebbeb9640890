import { runComponent } from '@spacegrid/grid/program/component-program'
import { runProgram } from '@spacegrid/grid/program/run-program'
import { DataPump } from './data-pump.ts'

/**
 * The data pump as a program, configured by its environment: it works for the spaces of `SPACES` on
 * NATS, and keeps the warm image where there is Redis. A second one stands by.
 *
 * @param spaces as `SPACES` has it, where that is not set. Left out: it must be set
 */
export async function runDataPump(spaces?: string): Promise<void> {
  await runProgram(() =>
    runComponent({
      role: 'data-pump',
      spaces,
      required: [],
      keepsPast: true,
      create: (logName, ports, report, environment) => {
        const { log, changes, events, past, image, messaging, clock, random } = ports
        const { telemetry, tracing, limits, pastBytesMax } = ports
        return new DataPump(
          logName,
          {
            ...{ log, changes, events, messaging, clock, random, telemetry, tracing },
            ...{ ...(past ? { past } : {}), ...image },
          },
          {
            name: environment.UNIT_NAME,
            report,
            pastMs: environment.PAST_MS,
            pastBytesMax,
            windowBytesMax: limits.windowBytesMax,
            imageBytesMax: limits.feedBytesMax,
            imageBatchBytesMax: limits.batchBytesMax,
            snapshotBytesMax: limits.snapshotBytesMax,
          },
        )
      },
    }),
  )
}
