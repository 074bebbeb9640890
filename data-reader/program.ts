import { asksWhoAsks } from '@spacegrid/grid/program/access-of'
import { runComponent } from '@spacegrid/grid/program/component-program'
import { runProgram } from '@spacegrid/grid/program/run-program'
import { DataReader } from './data-reader.ts'

/**
 * The data reader as a program, configured by its environment: it works for the spaces of `SPACES`
 * between NATS and MongoDB. Several share the work.
 *
 * @param spaces as `SPACES` has it, where that is not set. Left out: it must be set
 */
export async function runDataReader(spaces?: string): Promise<void> {
  await runProgram(() =>
    runComponent({
      role: 'data-reader',
      spaces,
      required: ['MONGODB_URL'],
      create: (
        logName,
        { log, changes, store, image, messaging, clock, random, limits },
        report,
        environment,
      ) =>
        new DataReader(
          logName,
          { log, changes, store, ...image, messaging, clock, random },
          {
            report,
            auditIntervalMs: environment.AUDIT_INTERVAL_MS,
            isOpen: !asksWhoAsks(environment),
            countedEntriesMax: limits.countedEntriesMax,
          },
        ),
    }),
  )
}
