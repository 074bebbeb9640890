import type { Command } from 'commander'

/**
 * Adds one command, with its options and what it does, to the program: what each file of
 * `commands/` exports.
 */
export type AddCommand = (program: Command) => void
