import { OwnProfiler } from '../profile/own-profile.ts'
import { runLoop } from './loops.ts'
import type { RunSettings, Subject } from './subject.ts'

// The process of one subject: opens it, and does what the messages of its parent say until it is
// told to close.

export type Call =
  | { readonly id: number; readonly run: string; readonly settings: RunSettings }
  | { readonly id: number; readonly request: string; readonly parameters: readonly unknown[] }
  | { readonly id: number; readonly profile: 'begin' | 'end' }
  | { readonly id: number; readonly cpu: true }
  | { readonly id: number; readonly close: true }

export interface Reply {
  readonly id: number
  readonly value?: unknown
  /** The message and stack of what was thrown. */
  readonly error?: string
}

/** The id of the reply to the opening itself. */
export const openedId = 0

async function main(modulePath: string, optionsJson: string): Promise<void> {
  const send = (reply: Reply) => process.send?.(reply)
  const opened = import(modulePath).then((module: { open(options: unknown): Promise<Subject> }) =>
    module.open(JSON.parse(optionsJson)),
  )
  await answer(openedId, send, async () => void (await opened))
  const subject = await opened
  process.on('message', (call: Call) => void answer(call.id, send, () => act(subject, call)))
  // A parent that has gone wants no more figures.
  process.on('disconnect', () => process.exit(1))
}

async function answer(
  id: number,
  send: (reply: Reply) => void,
  act: () => Promise<unknown>,
): Promise<void> {
  try {
    send({ id, value: await act() })
  } catch (error) {
    send({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
}

/** Processor time of this process so far. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

const profiler = new OwnProfiler()

async function act(subject: Subject, call: Call): Promise<unknown> {
  if ('close' in call) {
    await subject.close()
    setImmediate(() => process.exit(0))
    return undefined
  }
  if ('cpu' in call) return cpuMs()
  if ('profile' in call) return await profiler[call.profile]()
  if ('request' in call) {
    const request = subject.requests?.[call.request]
    if (!request) throw new Error(`This subject knows no request ${call.request}`)
    return await request(...(call.parameters as never[]))
  }
  const operation = subject.operations[call.run]
  if (!operation) throw new Error(`This subject knows no operation ${call.run}`)
  const retries = subject.retries ?? (() => 0)
  const { warmupMs } = call.settings
  if (warmupMs > 0) await runLoop(operation, { ...call.settings, ms: warmupMs }, retries)
  return await runLoop(operation, call.settings, retries)
}

if (import.meta.main) {
  const [modulePath = '', optionsJson = '{}'] = process.argv.slice(2)
  await main(modulePath, optionsJson)
}
