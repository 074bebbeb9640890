import type { TSchema } from 'typebox'
import { runHandler } from '../core/callback.ts'
import { Compatibility } from '../core/compatibility.ts'
import type { Value } from '../core/data-types.ts'
import { defineCommand, Type } from '../core/define.ts'
import type { AnyCommand, Space } from '../core/definition.ts'
import type { Evaluation } from '../core/evaluation.ts'
import { readValue } from '../core/evolution.ts'
import { type Frame, FrameKind } from '../core/frame.ts'
import { Melder } from '../core/meld.ts'
import { Recorder } from '../core/recorder.ts'
import { shapeOf } from '../core/shape.ts'
import { SpaceState } from '../core/space-state.ts'
import { fillSlots } from '../core/steps.ts'
import type { AnyCache, Transaction } from '../core/transaction.ts'
import { transactionId } from '../core/version.ts'
import { decodeFrame, decodeTransactions, encodeFrame } from '../engine/wire/frame-codec.ts'

/**
 * One space on which units of several versions of an application work, and two replicas that meld
 * what they write.
 */
export class MixedVersions {
  readonly state = new SpaceState()
  readonly replica = new SpaceState()
  readonly #melders: readonly Melder[]
  readonly #origin: number
  #frames = 0
  #ids = 0
  #decided: Evaluation | undefined

  constructor() {
    const decided = (_: number, __: unknown, ___: number, evaluation: Evaluation) => {
      this.#decided = evaluation
    }
    this.#melders = [
      new Melder(this.state, decodeTransactions, { decided }),
      new Melder(this.replica, decodeTransactions),
    ]
    this.#meld({ kind: FrameKind.join, unit: 'one', nonce: 1 })
    this.#origin = this.state.position
  }

  /** A unit of this version comes; whether the log takes its definition. */
  announce(space: Space): boolean {
    return this.#meld({ kind: FrameKind.shape, shape: shapeOf(space) })
  }

  /**
   * Runs a handler in a unit of this version, and melds what it has done.
   * @returns the handler's data as the unit answers it, outcomes filled in
   */
  run<T>(caches: readonly AnyCache[], handler: (tx: Transaction) => T, result?: TSchema): unknown {
    const number = ++this.#frames
    const id = transactionId(this.#origin, number)
    const newId = () => String(++this.#ids).padStart(22, '0')
    const recorder = new Recorder(this.state, { id, now: 1, newId })
    const input = Type.Object({})
    const command = defineCommand('test', {
      input,
      handler: handler as (tx: Transaction) => object,
      ...(result ? { result } : {}),
    } as never) as AnyCommand
    const version = new Compatibility(caches, () => this.state.layout)
    const { data, slots, taken } = runHandler(command, recorder, {}, version)
    const { reads, ranges, steps, events } = recorder
    this.#meld({
      kind: FrameKind.transactions,
      origin: this.#origin,
      id: number,
      previous: number - 1,
      deadline: Number.MAX_SAFE_INTEGER,
      transactions: [{ number, reads, ranges, steps, events, notBefore: 0 }],
      parts: 0,
    })
    if (this.#decided?.outcome !== 'applied') throw new Error(JSON.stringify(this.#decided))
    return version.readTaken(fillSlots(data, slots, this.#decided.outcomes), taken)
  }

  /** As it is stored. */
  stored(cache: AnyCache, key: string): Value | undefined {
    const layout = this.state.layout.named(cache.name)
    return layout && this.state.find(layout.number, key)?.value
  }

  /** As a version reads it. */
  read(cache: AnyCache, key: string): Value | undefined {
    const stored = this.stored(cache, key)
    return stored && readValue(cache, stored)
  }

  #meld(frame: Frame): boolean {
    const bytes = encodeFrame(frame)
    const [accepted] = this.#melders.map((melder) =>
      melder.meld(decodeFrame(bytes), melder.state.position + 1, 1),
    )
    return accepted === true
  }
}
