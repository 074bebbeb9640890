import { runProcessingUnit } from '@spacegrid/grid/program/processing-unit-program'
import { createTicketing } from './space.ts'

await runProcessingUnit(({ HOLD_MS }) => createTicketing({ holdMs: HOLD_MS }))
