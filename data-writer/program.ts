import { runComponent } from '@spacegrid/grid/program/component-program'
import { runProgram } from '@spacegrid/grid/program/run-program'
import { DataWriter } from './data-writer.ts'

/**
 * The data writer as a program, configured by its environment: it works for the spaces of `SPACES`
 * between NATS and MongoDB. A second one stands by.
 *
 * @param spaces as `SPACES` has it, where that is not set. Left out: it must be set
 */
export async function runDataWriter(spaces?: string): Promise<void> {
  await runProgram(() =>
    runComponent({
      role: 'data-writer',
      spaces,
      required: ['MONGODB_URL'],
      keepsPast: true,
      create: (
        logName,
        { log, changes, past, store, messaging, clock, telemetry, tracing, limits },
        report,
        environment,
      ) =>
        new DataWriter(
          logName,
          { log, changes, ...(past ? { past } : {}), store, messaging, clock, telemetry, tracing },
          {
            report,
            trimDelayMs: environment.TRIM_DELAY_MS,
            batchBytesMax: limits.batchBytesMax,
            feedBytesMax: limits.feedBytesMax,
          },
        ),
    }),
  )
}
