import { runProgram } from '@spacegrid/grid/program/run-program'
import { type Command, CommanderError } from 'commander'
import { Failure } from './failure.ts'

/** What a command prints of wrong words is one line: commander's hint follows behind it. */
const oneLine = (text: string): string => `${text.trim().replace(/\s*\n\s*/g, ' ')}\n`

/**
 * A program's words end it by throwing, not behind its back. Commands that are added later inherit
 * this.
 */
export const prepared = (command: Command): Command =>
  command.exitOverride().configureOutput({
    outputError: (text, write) => write(oneLine(text)),
  })

/**
 * Runs a program, from its words to its end: the one ending of them all. Exit code 0: done; 1: it
 * did not hold, or was not done; 2: wrong usage or configuration. What the world or the user did
 * wrong is told in one line; our own bugs keep their stack.
 * @param words default: those of the process
 */
export async function runCommand(command: Command, words?: readonly string[]): Promise<void> {
  prepared(command)
  await runProgram(async () => {
    try {
      await (words ? command.parseAsync(words, { from: 'user' }) : command.parseAsync())
    } catch (error) {
      // Commander ends with 1 for wrong words; 1 is what did not hold.
      if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2)
      if (!(error instanceof Failure)) throw error
      process.stderr.write(`${error.message}\n`)
      process.exit(error.exitCode)
    }
  })
}
