import { runComponent } from '@spacegrid/grid/program/component-program'
import { runProgram } from '@spacegrid/grid/program/run-program'
import { DataWriter } from './data-writer.ts'

/**
 * The data writer as a program, configured by its environment: it works for the spaces of `SPACES`
 * between NATS and MongoDB. A second one stands by.
 */
export async function runDataWriter(): Promise<void> {
  await runProgram(() =>
    runComponent({
      role: 'data-writer',
      required: ['MONGODB_URL'],
      create: (space, { log, changes, store, messaging, clock, limits }, report, environment) =>
        new DataWriter(
          space,
          { log, changes, store, messaging, clock },
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
