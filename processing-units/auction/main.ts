import { runProcessingUnit } from 'spacegrid/program'
import { auction } from './space.ts'

await runProcessingUnit(() => auction)
