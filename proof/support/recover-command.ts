import { execFile } from 'node:child_process'
import { spacegridProgram } from 'spacegrid/own-program'

export interface RecoverOutcome {
  readonly code: number
  readonly output: string
  readonly errors: string
}

/** `spacegrid recover`, as an operator would call it. */
export const recover = (
  environment: Readonly<Record<string, string>>,
  ...options: string[]
): Promise<RecoverOutcome> => operate(environment, 'recover', ...options)

/** A command of `spacegrid`, as an operator would call it. */
export function operate(
  environment: Readonly<Record<string, string>>,
  ...words: string[]
): Promise<RecoverOutcome> {
  return new Promise((resolve) => {
    const none = { NATS_URL: '', MONGODB_URL: '', REDIS_URL: '' }
    execFile(
      process.execPath,
      [spacegridProgram, ...words],
      { env: { ...process.env, ...none, ...environment } },
      (error, output, errors) => resolve({ code: error ? Number(error.code) : 0, output, errors }),
    )
  })
}

/** Its report on one space, asked for with `--json`. */
export function reportOf({ output, errors }: RecoverOutcome): Readonly<Record<string, unknown>> {
  try {
    const { spaces } = JSON.parse(output) as { spaces: Record<string, unknown>[] }
    return spaces[0] ?? {}
  } catch (cause) {
    throw new Error(`no report: ${output} ${errors}`, { cause })
  }
}
