import { catchingUp } from './catching-up.ts'
import { coldStart } from './cold-start.ts'
import { committedCommand } from './committed-command.ts'
import { dataPump } from './data-pump.ts'
import { dataWriter } from './data-writer.ts'
import { entryRead } from './entry-read.ts'
import type { Goal } from './goal.ts'
import { growth } from './growth.ts'
import { halfLoad } from './half-load.ts'
import { hotEntryHandler, hotEntryOperations } from './hot-entry.ts'
import { http } from './http.ts'
import { joining } from './joining.ts'
import { memory } from './memory.ts'
import { programStart } from './program-start.ts'
import { registeredQuery } from './registered-query.ts'
import { replication } from './replication.ts'

/** In the order of the table. */
export const allGoals: readonly Goal[] = [
  entryRead,
  registeredQuery,
  committedCommand,
  hotEntryOperations,
  hotEntryHandler,
  halfLoad,
  http,
  replication,
  memory,
  joining,
  catchingUp,
  coldStart,
  dataWriter,
  dataPump,
  growth,
  programStart,
]
