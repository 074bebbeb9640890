import { execFile } from 'node:child_process'
import { spacegridProgram } from 'spacegrid/own-program'

export interface CommandOutcome {
  readonly code: number
  readonly output: string
  readonly errors: string
}

export interface CommandSettings {
  /** Folder that it is given in. */
  readonly folder?: string
  /** Beside that of this process; no servers unless named. */
  readonly environment?: Readonly<Record<string, string>>
}

/** `npx spacegrid …`, as somebody would call it, until it has ended. */
export function spacegridCommand(
  words: readonly string[],
  { folder, environment = {} }: CommandSettings = {},
): Promise<CommandOutcome> {
  return new Promise((ended) => {
    const none = { NATS_URL: '', MONGODB_URL: '', REDIS_URL: '' }
    execFile(
      process.execPath,
      [spacegridProgram, ...words],
      { env: { ...process.env, ...none, ...environment }, ...(folder ? { cwd: folder } : {}) },
      (error, output, errors) => ended({ code: error ? Number(error.code) : 0, output, errors }),
    )
  })
}
