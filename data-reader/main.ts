import { runDataReader } from './program.ts'

// The applications of this repository, unless SPACES says otherwise.
await runDataReader('ticketing,auction')
