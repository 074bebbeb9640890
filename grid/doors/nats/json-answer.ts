import type { Message } from '../../engine/ports/messaging.ts'
import type { AccessGuard } from '../request/access/access-control.ts'
import type { Caller } from '../request/caller.ts'
import { type FaultLog, publicError } from '../request/public-error.ts'
import { originOf } from './nats-request.ts'

/**
 * Responds with JSON; what it fails with is told as far as callers may know it.
 * @param answer may throw at once, too
 */
export const answeringJson =
  (log: FaultLog, answer: (data: Uint8Array) => unknown) =>
  async ({ data }: Message): Promise<Message> => {
    try {
      return { data: Buffer.from(JSON.stringify(await answer(data))) }
    } catch (error) {
      throw publicError(error, log)
    }
  }

/**
 * The same for what only operators may ask: it stands in the audit trail, done or not.
 * @param guard undefined: nobody is asked who it is
 */
export const answeringOperators = (
  log: FaultLog,
  guard: AccessGuard | undefined,
  answer: (data: Uint8Array) => unknown,
) => {
  if (!guard) return answeringJson(log, answer)
  return async (message: Message): Promise<Message> => {
    const caller = await entered(guard, message, log)
    try {
      const data = Buffer.from(JSON.stringify(await answer(message.data)))
      guard.administered(caller)
      return { data }
    } catch (error) {
      guard.administered(caller, error)
      throw publicError(error, log)
    }
  }
}

async function entered(guard: AccessGuard, message: Message, log: FaultLog): Promise<Caller> {
  try {
    return await guard.enter(originOf(message))
  } catch (error) {
    throw publicError(error, log)
  }
}
