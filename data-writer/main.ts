import { runComponent } from '@spacegrid/grid/program/component-program'
import { runProgram } from '@spacegrid/grid/program/run-program'
import { DataWriter } from './data-writer.ts'

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
