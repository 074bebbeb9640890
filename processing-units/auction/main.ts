import { runProcessingUnit } from 'spacegrid/program'

// Imported inside the program: a wrong setting ends it with one line.
await runProcessingUnit(async () => (await import('./space.ts')).auction)
