import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import type { Member } from '@spacegrid/grid/engine/placement/member'
import type { PassOutcome } from '@spacegrid/grid/engine/placement/placement-status'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { decodeAnswer, encodeRequest, type PassedRequest } from './passed-request.ts'

/** How a request that was passed on has ended. */
export type Passed =
  | { readonly kind: 'answer'; readonly answer: unknown }
  | { readonly kind: 'error'; readonly error: GridError }
  /** Nobody has begun with it. */
  | { readonly kind: 'elsewhere' }
  /** It may have been done. */
  | { readonly kind: 'unknown'; readonly error: GridError }

/** Passes requests to units that keep a partition, and counts how that goes. */
export class Passing {
  readonly counts: Record<PassOutcome, number> = { answered: 0, elsewhere: 0, unknown: 0 }
  readonly #space: string
  readonly #messaging: Messaging
  /** Of those that were asked and have not answered: called when they have gone. */
  readonly #open = new Map<number, Set<() => void>>()

  constructor(space: string, messaging: Messaging) {
    this.#space = space
    this.#messaging = messaging
  }

  async pass(to: Member, request: PassedRequest, timeoutMs: number): Promise<Passed> {
    const passed = await this.#ask(to, request, timeoutMs)
    this.counts[passed.kind === 'answer' || passed.kind === 'error' ? 'answered' : passed.kind] += 1
    return passed
  }

  /** Whoever waits for one that is not there any more waits no longer. */
  forget(isThere: (id: number) => boolean): void {
    for (const [id, ends] of this.#open) if (!isThere(id)) for (const end of [...ends]) end()
  }

  async #ask(to: Member, request: PassedRequest, timeoutMs: number): Promise<Passed> {
    const gone = Promise.withResolvers<never>()
    const end = () => gone.reject(new GridError('request_timeout', `${to.name} is gone`))
    const ends = this.#open.get(to.id) ?? new Set()
    this.#open.set(to.id, ends.add(end))
    try {
      const subject = subjects.unit(this.#space, to.id)
      const asked = this.#messaging.request(subject, encodeRequest(request), { timeoutMs })
      const { data } = await Promise.race([asked, gone.promise])
      return decodeAnswer(data)
    } catch (error) {
      if (!isGridError(error)) throw error
      if (error.code === 'no_responder') return { kind: 'elsewhere' }
      if (error.code === 'record_too_large') return { kind: 'error', error: tooLarge(error) }
      return { kind: 'unknown', error }
    } finally {
      ends.delete(end)
      if (ends.size === 0) this.#open.delete(to.id)
    }
  }
}

/** A caller's input, or an answer, that no message takes. */
const tooLarge = ({ details, message }: GridError): GridError =>
  new GridError('body_too_large', message, { details })
