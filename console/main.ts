import { runConsole } from './program.ts'

await runConsole()
