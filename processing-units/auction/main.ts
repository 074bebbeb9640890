import { runProcessingUnit } from '@spacegrid/grid/program/processing-unit-program'
import { auction } from './space.ts'

await runProcessingUnit(() => auction)
