import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import type { AddCommand } from '../command-line/add-command.ts'
import { prepared } from '../command-line/run-command.ts'
import {
  customarySpace,
  describeSimulate,
  runSimulate,
  type SimulateOptions,
} from '../simulate/simulate-command.ts'

/** The workloads of this repository, which stay in it: what is published does not have them. */
const builtIn = join(import.meta.dirname, '../../proof/simulator/main.ts')
const isModule = /\.[cm]?[jt]s$/

/** Of a space, or, in the repository and without one, of the built-in workloads. */
async function run(words: readonly string[]): Promise<void> {
  const namesSpace = words.some((word) => isModule.test(word)) || existsSync(customarySpace)
  if (namesSpace || !existsSync(builtIn)) await simulateSpace(words)
  else await simulateWorkloads(words)
}

async function simulateSpace(words: readonly string[]): Promise<void> {
  const command = prepared(describeSimulate(new Command('spacegrid simulate'))).action(
    async (file: string, options: SimulateOptions) => {
      process.exitCode = await runSimulate(file, options)
    },
  )
  await command.parseAsync(words, { from: 'user' })
}

async function simulateWorkloads(words: readonly string[]): Promise<void> {
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
      'Simulates whole grids with your space in them (the real code), under every fault.',
    )
    .argument('[words...]', 'the file of the space, and options: --help tells them')
    .allowUnknownOption()
    .helpOption(false)
    .action(run)
}
