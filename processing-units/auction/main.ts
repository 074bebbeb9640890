import { runProcessingUnit } from '@spacegrid/grid/program/processing-unit-program'
import { runProgram } from '@spacegrid/grid/program/run-program'
import { auction } from './space.ts'

await runProgram(() => runProcessingUnit(() => auction))
