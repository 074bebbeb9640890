import { auction } from '@spacegrid/auction/space'
import { runProcessingUnit } from '@spacegrid/runtime/program'
import { readTicketingSettings } from '@spacegrid/ticketing/settings'
import { createTicketing } from '@spacegrid/ticketing/space'

/** A processing unit of two spaces in one process. */
await runProcessingUnit(() => [createTicketing(readTicketingSettings()), auction])
