import { runProcessingUnit } from '@spacegrid/grid/program/processing-unit-program'
import { runProgram } from '@spacegrid/grid/program/run-program'
import { createTicketing } from './space.ts'

await runProgram(() => runProcessingUnit(({ HOLD_MS }) => createTicketing({ holdMs: HOLD_MS })))
