import { runDataPump } from './program.ts'

// The applications of this repository, unless SPACES says otherwise.
await runDataPump('ticketing,auction')
