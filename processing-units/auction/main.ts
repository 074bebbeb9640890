import { runProcessingUnit } from '@spacegrid/runtime/program'
import { auction } from './space.ts'

await runProcessingUnit(() => auction)
