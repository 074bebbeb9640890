import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { cacheFolder } from 'spacegrid/servers/binary'
import { goProgram } from '../../support/go-program.ts'
import type { RegisterOperation } from '../register-operation.ts'

export interface RegisterVerdict {
  /** `undecided`: the time was not enough. */
  readonly verdict: 'linearizable' | 'not linearizable' | 'undecided'
  readonly operations: number
  readonly keys: number
  readonly unknown: number
  /** For each key that is wrong, a few operations that no order explains. */
  readonly findings: readonly {
    readonly key: string
    readonly operations: readonly RegisterOperation[]
  }[]
  readonly undecided: readonly string[]
}

/** Longer than the search of a history of some hundred operations a key has ever taken. */
const searchSeconds = 60

/**
 * Whether registers behaved as if each operation had happened at one moment between its call and
 * its return. Decided by porcupine, a checker that nobody here has written, in a process of its
 * own.
 *
 * @throws Error when an operation is not well formed, or Go is not there
 */
export async function judgeRegisters(
  operations: readonly RegisterOperation[],
): Promise<RegisterVerdict> {
  const program = await goProgram(
    import.meta.dirname,
    'linearizable',
    cacheFolder(),
    'a few seconds, 4 MB',
  )
  const child = spawn(program, ['-timeout', `${searchSeconds}s`], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  // What it did not read it has refused, and says so.
  child.stdin.on('error', () => undefined)
  child.stdin.end(operations.map((operation) => `${JSON.stringify(operation)}\n`).join(''))
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve)
    child.once('error', reject)
  })
  const [code, said, complaint] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  if (code !== 0) throw new Error(`The check of registers failed: ${complaint.trim()}`)
  return JSON.parse(said) as RegisterVerdict
}
