import { runDataReader } from './program.ts'

await runDataReader()
