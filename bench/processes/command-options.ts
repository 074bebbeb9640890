import { type Command, CommanderError, InvalidArgumentError } from 'commander'

/** A whole number within bounds. */
export const whole = (least: number, most: number) => (text: string) => {
  const number = Number(text)
  if (!Number.isInteger(number) || number < least || number > most)
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
  return number
}

/** Several of them, separated by commas. */
export const list =
  <T>(read: (text: string) => T) =>
  (text: string) =>
    text.split(',').map((part) => read(part.trim()))

/** Runs the program; a wrong option ends it with code 2 and the line that says what is allowed. */
export async function runCommand(command: Command): Promise<void> {
  try {
    await command.exitOverride().parseAsync()
  } catch (error) {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2)
    throw error
  }
}
