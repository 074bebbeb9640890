import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import type { Member } from '@spacegrid/grid/engine/placement/member'
import type { PassOutcome } from '@spacegrid/grid/engine/placement/placement-status'
import type { Clock, Timer } from '@spacegrid/grid/engine/ports/clock'
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

/** Whoever has not answered by the second look from now on is asked whether it is there, ms. */
const lookMs = 150
const thereMsMax = 1000

/** A request that was passed on and has no answer yet. */
interface Open {
  /** Look before which it was sent. */
  readonly look: number
  /** It waits for something to happen: that there is no answer says nothing. */
  readonly isPatient: boolean
  /** Called when whoever was asked has gone. */
  end(): void
}

/**
 * Passes requests to units that keep a partition, and counts how that goes. A unit that dies with
 * requests leaves no answer, and presence misses it after two seconds only; but the messaging
 * server knows at once that nobody listens any more. So whoever takes long is asked whether it is
 * there; nobody waits for one that is not.
 */
export class Passing {
  readonly counts: Record<PassOutcome, number> = { answered: 0, elsewhere: 0, unknown: 0 }
  readonly #space: string
  readonly #messaging: Messaging
  readonly #clock: Clock
  /** By whom was asked. */
  readonly #open = new Map<number, Set<Open>>()
  /** Those that are being asked whether they are there. */
  readonly #asking = new Set<number>()
  #looks = 0
  /** Undefined: nothing is open. */
  #timer: Timer | undefined

  constructor(space: string, messaging: Messaging, clock: Clock) {
    this.#space = space
    this.#messaging = messaging
    this.#clock = clock
  }

  async pass(to: Member, request: PassedRequest, timeoutMs: number): Promise<Passed> {
    const passed = await this.#ask(to, request, timeoutMs)
    this.counts[passed.kind === 'answer' || passed.kind === 'error' ? 'answered' : passed.kind] += 1
    return passed
  }

  /** Whoever waits for one that is not there any more waits no longer. */
  forget(isThere: (id: number) => boolean): void {
    for (const [id, those] of this.#open)
      if (!isThere(id)) for (const open of [...those]) open.end()
  }

  async #ask(to: Member, request: PassedRequest, timeoutMs: number): Promise<Passed> {
    const gone = Promise.withResolvers<never>()
    const open: Open = {
      look: this.#looks,
      isPatient: request.kind === 'follow' || request.kind === 'watch',
      end: () => gone.reject(new GridError('request_timeout', `${to.name} is gone`)),
    }
    const those = this.#open.get(to.id) ?? new Set()
    this.#open.set(to.id, those.add(open))
    this.#timer ??= this.#clock.after(lookMs, () => this.#look())
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
      those.delete(open)
      if (those.size === 0 && this.#open.get(to.id) === those) this.#open.delete(to.id)
    }
  }

  #look(): void {
    const looks = ++this.#looks
    this.#timer = this.#open.size === 0 ? undefined : this.#clock.after(lookMs, () => this.#look())
    for (const [id, those] of this.#open) {
      const isLate = [...those].some(({ look, isPatient }) => !isPatient && look <= looks - 2)
      if (isLate && !this.#asking.has(id)) void this.#askIfThere(id)
    }
  }

  async #askIfThere(id: number): Promise<void> {
    this.#asking.add(id)
    try {
      const subject = subjects.unit(this.#space, id)
      const asked = encodeRequest({ kind: 'there', partition: 0, name: '', input: null })
      await this.#messaging.request(subject, asked, { timeoutMs: thereMsMax })
    } catch (error) {
      if (!isGridError(error)) throw error
      // Frozen, or cut off as this process may be: presence tells. An error is an answer.
      if (error.code === 'no_responder') this.forget((other) => other !== id)
    } finally {
      this.#asking.delete(id)
    }
  }
}

/** A caller's input, or an answer, that no message takes. */
const tooLarge = ({ details, message }: GridError): GridError =>
  new GridError('body_too_large', message, { details })
