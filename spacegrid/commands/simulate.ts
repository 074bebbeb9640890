import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { AddCommand } from '../command-line/add-command.ts'
import { Failure } from '../command-line/failure.ts'

/** The workloads of this repository, which stay in it: what is published does not have them. */
const builtIn = join(import.meta.dirname, '../../proof/simulator/main.ts')
const isModule = /\.[cm]?[jt]s$/

async function run(words: readonly string[]): Promise<void> {
  if (words.some((word) => isModule.test(word)))
    throw new Failure('Spaces of your own cannot be simulated yet: simulate takes no file', 2)
  if (!existsSync(builtIn))
    throw new Failure(
      'There is nothing to simulate: the built-in workloads are in the repository of spacegrid only',
      2,
    )
  const child = spawn(process.execPath, [...process.execArgv, builtIn, ...words], {
    stdio: 'inherit',
  })
  // Of a Ctrl-C the terminal tells both; the simulation sums up before it ends.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  const [code] = await once(child, 'exit')
  process.exitCode = typeof code === 'number' ? code : 1
}

export const addSimulate: AddCommand = (program) => {
  program
    .command('simulate')
    .description(
      'Simulates whole grids (the real code) on simulated servers, network and time, under every fault; what clients were told and what is stored is checked against a plain sequential model.',
    )
    .argument('[options...]', 'those of the simulator: --help tells them')
    .allowUnknownOption()
    .helpOption(false)
    .action(run)
}
