import { runDataPump } from './program.ts'

await runDataPump()
