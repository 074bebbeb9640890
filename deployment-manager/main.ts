import { runDeploymentManager } from './program.ts'

// The applications of this repository, unless SPACES says otherwise.
await runDeploymentManager('ticketing,auction')
