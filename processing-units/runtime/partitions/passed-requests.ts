import type { Correction } from '@spacegrid/grid/core/correction'
import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import type { BatchAnswer, BatchedQuery, ReadOptions } from '@spacegrid/grid/doors/request/serving'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Message, Messaging, Subscription } from '@spacegrid/grid/engine/ports/messaging'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { PartOperation } from '../across/part-messages.ts'
import type { AskedUnit } from './asked-unit.ts'
import {
  type PassedWatch,
  type PassedWatched,
  packWatched,
  readLook,
  readWatch,
} from './passed-look.ts'
import { type PassedPast, readPast } from './passed-past.ts'
import {
  decodeRequest,
  encodeAnswer,
  type PassedAnswer,
  type PassedRequest,
  packedBatch,
} from './passed-request.ts'
import { Repeats } from './repeats.ts'

/**
 * Answers what other units pass on, from what is kept here and from nothing else: a request is
 * passed once.
 */
export class PassedRequests {
  readonly #messaging: Messaging
  readonly #unitOf: (partition: number) => AskedUnit | undefined
  readonly #repeats: Repeats<PassedAnswer>
  #answering: Subscription | undefined

  /** @param unitOf undefined: the partition is not kept here */
  constructor(
    messaging: Messaging,
    clock: Clock,
    unitOf: (partition: number) => AskedUnit | undefined,
  ) {
    this.#messaging = messaging
    this.#unitOf = unitOf
    this.#repeats = new Repeats(clock)
  }

  /** @param id of this unit, as it is known by presence */
  start(space: string, id: number): void {
    this.#answering = this.#messaging.respond(subjects.unit(space, id), (message) =>
      this.#answer(message),
    )
  }

  async stop(): Promise<void> {
    await this.#answering?.stop()
  }

  async #answer({ data }: Message): Promise<Message> {
    const request = decodeRequest(data)
    const answered = await this.#answerOnce(request)
    const answer = encodeAnswer(answered)
    const { messageBytesMax } = this.#messaging
    if (answer.length <= messageBytesMax) return { data: answer }
    const { position, version } = Object(Object(answered).answer)
    const error = new GridError(
      'body_too_large',
      `The answer has ${answer.length} bytes, a message between units takes ${messageBytesMax}`,
      // A command has taken effect all the same.
      { details: { bytes: answer.length, bytesMax: messageBytesMax, position, version } },
    )
    return { data: encodeAnswer({ kind: 'error', error }) }
  }

  #answerOnce(request: PassedRequest): Promise<PassedAnswer> {
    if (request.id === undefined) return this.#answerHere(request)
    return this.#repeats.once(request.id, () => this.#answerHere(request))
  }

  async #answerHere(request: PassedRequest): Promise<PassedAnswer> {
    if (request.kind === 'there') return { kind: 'answer', answer: null }
    const unit = this.#unitOf(request.partition)
    if (!unit) return { kind: 'elsewhere' }
    try {
      return { kind: 'answer', answer: await ask(unit, request) }
    } catch (error) {
      // What is a bug is told here, and the caller gets its id.
      if (!isGridError(error)) throw error
      return hasNotBegun(error) ? { kind: 'elsewhere' } : { kind: 'error', error }
    }
  }
}

async function ask(unit: AskedUnit, request: PassedRequest): Promise<unknown> {
  const { kind, name, input, idempotencyKey, acknowledge, caller } = request
  if (kind === 'part') return await unit.part(name as PartOperation, input as object)
  if (kind === 'correction') return await unit.correct(input as Correction)
  if (kind === 'follow') return await unit.live.look(...readLook(input))
  if (kind === 'watch') return await watch(unit, request)
  if (kind === 'past') return await askPast(unit, name, input as PassedPast)
  const by = caller ? { caller } : {}
  if (kind === 'command') {
    const { withinMs } = request
    return await unit.executeHere(name, input, {
      ...by,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      ...(acknowledge === undefined ? {} : { acknowledge }),
      ...(withinMs === undefined ? {} : { withinMs }),
    })
  }
  const { position, latest, stalenessMs, explain } = request
  const options: ReadOptions = {
    ...by,
    ...(position === undefined ? {} : { position }),
    ...(latest ? { latest } : {}),
    ...(stalenessMs === undefined ? {} : { stalenessMs }),
    ...(explain ? { explain } : {}),
  }
  if (kind === 'queries')
    return packedBatch(await unit.queries(input as readonly BatchedQuery[], options))
  return kind === 'query'
    ? await unit.query(name, input, options)
    : await unit.entry(name, input as string, options)
}

/** Errors of a batch are data on their way. */
async function askPast({ past }: AskedUnit, name: string, asked: PassedPast): Promise<unknown> {
  const answer = await readPast(past, name, asked)
  return asked.read === 'queries' ? packedBatch(answer as BatchAnswer<number>) : answer
}

async function watch(
  unit: AskedUnit,
  { name, input, position }: PassedRequest,
): Promise<PassedWatched> {
  const asked = input as PassedWatch
  return packWatched(await unit.live.watch(name, asked.input, readWatch(asked, position)))
}

/** Of what a unit that does not serve has been asked nothing was done. */
export const hasNotBegun = (error: unknown): error is GridError =>
  isGridError(error, 'not_ready') || isGridError(error, 'stopping')
