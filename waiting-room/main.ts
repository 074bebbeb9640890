import { runWaitingRoom } from './program.ts'

await runWaitingRoom()
