import type { Message } from '../../engine/ports/messaging.ts'
import { type FaultLog, publicError } from '../request/public-error.ts'

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
