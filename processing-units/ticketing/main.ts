import { runProcessingUnit } from 'spacegrid/program'
import { readTicketingSettings } from './settings.ts'
import { createTicketing } from './space.ts'

await runProcessingUnit(() => createTicketing(readTicketingSettings()))
