import { readFileSync } from 'node:fs'

/** The last lines of a log file, as many as are asked for. */
export const endOfLog = (file: string, lines: number): string =>
  readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
