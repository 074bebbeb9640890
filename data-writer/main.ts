import { runDataWriter } from './program.ts'

await runDataWriter()
