import { GridError } from '@spacegrid/grid/core/errors'
import { type Clock, within } from '@spacegrid/grid/engine/ports/clock'
import { type ClusterAnswer, type ClusterRequest, isClusterAnswer } from './cluster-messages.ts'
import type { Deployed, Driver } from './driver.ts'

/** The way to the process that has started this one. */
export interface ParentChannel {
  send(message: object): void
  listen(listener: (message: unknown) => void): () => void
}

const answerMsMax = 2000

/**
 * Units that are processes of `spacegrid cluster --elastic`, which has started this process as
 * well: they are the children of that one, whatever becomes of a manager.
 */
export class ClusterDriver implements Driver {
  readonly name = 'cluster'
  readonly isHere = true
  readonly #channel: ParentChannel
  readonly #clock: Clock
  readonly #open = new Map<number, (answer: ClusterAnswer) => void>()
  readonly #stopListening: () => void
  #count = 0

  constructor(channel: ParentChannel, clock: Clock) {
    this.#channel = channel
    this.#clock = clock
    this.#stopListening = channel.listen((message) => {
      if (isClusterAnswer(message)) this.#open.get(message.id)?.(message)
    })
  }

  look(): Promise<Deployed> {
    return this.#ask({ scaling: 'look' })
  }

  async scale(units: number, term: number): Promise<void> {
    await this.#ask({ scaling: 'scale', units, term })
  }

  async close(): Promise<void> {
    this.#stopListening()
  }

  async #ask(request: Omit<ClusterRequest, 'id'>): Promise<Deployed> {
    const id = ++this.#count
    const answered = new Promise<ClusterAnswer>((resolve) => this.#open.set(id, resolve))
    const late = () =>
      new GridError('request_timeout', `the cluster does not answer within ${answerMsMax} ms`)
    try {
      this.#channel.send({ ...request, id })
      const answer = await within(this.#clock, answerMsMax, answered, late)
      if ('deployed' in answer) return answer.deployed
      throw new GridError(answer.isFenced ? 'fenced' : 'no_responder', answer.refused)
    } finally {
      this.#open.delete(id)
    }
  }
}

/** @throws GridError `configuration_invalid` for a process that no cluster has started */
export function parentChannel(): ParentChannel {
  const send = process.send?.bind(process)
  if (!send)
    throw new GridError(
      'configuration_invalid',
      'SCALING_DRIVER=cluster: this process was not started by npx spacegrid cluster --elastic',
    )
  return {
    send: (message) => {
      // Without a channel the process is about to stop: its parent has gone.
      if (process.connected) send(message)
    },
    listen: (listener) => {
      process.on('message', listener)
      return () => process.off('message', listener)
    },
  }
}
