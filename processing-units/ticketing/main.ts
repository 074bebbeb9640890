import { runProcessingUnit } from '@spacegrid/runtime/program'
import { createTicketing } from './space.ts'

await runProcessingUnit(({ HOLD_MS }) => createTicketing({ holdMs: HOLD_MS }))
