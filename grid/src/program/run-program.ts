import { GridError } from '../errors.ts'

/**
 * Runs a program's main function. What the world did wrong ends the process with one line: code 2 for a configuration that is not usable, code 1
 * for anything else. Our own bugs keep their stack trace.
 */
export async function runProgram(main: () => Promise<void> | void): Promise<void> {
  try {
    await main()
  } catch (error) {
    if (!(error instanceof GridError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(error.code === 'configuration_invalid' ? 2 : 1)
  }
}
