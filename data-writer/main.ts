import { runDataWriter } from './program.ts'

// The applications of this repository, unless SPACES says otherwise.
await runDataWriter('ticketing,auction')
