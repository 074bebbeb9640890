import { isGridError } from '@spacegrid/grid/core/errors'
import { catchStrayErrors } from '@spacegrid/proof/simulator/try-run'
import { Command, CommanderError } from 'commander'
import { describeSimulate, runSimulate, type SimulateOptions } from './simulate/simulate-command.ts'

const command = describeSimulate(new Command('npx spacegrid simulate')).exitOverride()

catchStrayErrors()
try {
  command.parse()
  const [file = ''] = command.args
  process.exitCode = await runSimulate(file, command.opts<SimulateOptions>())
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2)
  if (!isGridError(error, 'configuration_invalid')) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 2
}
