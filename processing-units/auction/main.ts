import { runProgram } from '@spacegrid/grid/environment'
import { runProcessingUnit } from '@spacegrid/grid/program/processing-unit-program'
import { auction } from './space.ts'

await runProgram(() => runProcessingUnit(() => auction))
