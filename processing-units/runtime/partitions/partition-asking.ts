import type { Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import { logNameOf } from '@spacegrid/grid/core/log-name'
import type { Member } from '@spacegrid/grid/engine/placement/member'
import { within } from '@spacegrid/grid/engine/ports/clock'
import type { PartAsk } from '../across/ask-part.ts'
import type { ProcessingUnit } from '../processing-unit.ts'
import { AskedUnits } from './asked-units.ts'
import { Asking } from './asking.ts'
import type { Keeping, KeepingPorts } from './keeping.ts'
import type { PassedKind, PassedRequest } from './passed-request.ts'
import { Passing } from './passing.ts'

/** What is asked of one partition; how it is done here, and what is sent to be done elsewhere. */
export interface AskOfPartition<Answer> {
  readonly partition: number
  readonly request: PassedRequest
  readonly withinMs: number
  readonly isOnce: boolean
  here(unit: ProcessingUnit, withinMs: number): Promise<Answer>
}

const retryAfterMs = 500

/**
 * Asks those that keep a partition, this unit among them, until one has an answer: its home first
 * for what changes it, whoever is near for the rest. What is not here is passed on, once, and its
 * answer comes back as it is.
 */
export class PartitionAsking {
  readonly #space: Space
  readonly #keeping: Keeping
  readonly #ports: KeepingPorts
  readonly #passing: Passing
  readonly #asking: Asking
  /** undefined: not looked up since the last news. */
  #units: AskedUnits | undefined
  /** For queries that may be answered by any of several. */
  #turn = 0

  constructor(space: Space, keeping: Keeping, ports: KeepingPorts) {
    this.#space = space
    this.#keeping = keeping
    this.#ports = ports
    this.#passing = new Passing(space.name, ports.messaging, ports.clock)
    this.#asking = new Asking(keeping.presence.id, this.#passing, ports)
  }

  /** Those that are asked about each partition, as far as it is known by now. */
  get units(): AskedUnits {
    const { presence } = this.#keeping
    this.#units ??= new AskedUnits(this.#space, presence.members(), presence.id)
    return this.#units
  }

  /** What was passed on. */
  get passed(): Passing['counts'] {
    return this.#passing.counts
  }

  /** Others have come or gone, or keep something else. */
  news(): void {
    this.#units = undefined
    const { presence } = this.#keeping
    this.#passing.forget((id) => presence.other(id) !== undefined)
  }

  /** @throws GridError `partitions_unavailable` when nobody who keeps it answers */
  ask<Answer>(ask: AskOfPartition<Answer>): Promise<Answer> {
    const { partition, request, withinMs, isOnce } = ask
    const here = (leftMs: number) => {
      const unit = this.#keeping.copy(partition)?.unit
      return unit && ask.here(unit, leftMs)
    }
    return this.#asking.inOrder(
      this.#inOrder(partition, request.kind),
      { request, withinMs, isOnce, here },
      (why) => this.#unavailable(partition, why),
    )
  }

  /** As of `AskPart`. */
  askPart({ partition, operation, asked, withinMs, isOnce }: PartAsk): Promise<unknown> {
    return this.ask<unknown>({
      partition,
      request: { kind: 'part', partition, name: operation, input: asked },
      withinMs,
      isOnce,
      here: (unit) => within(this.#ports.clock, withinMs, unit.part(operation, asked), noAnswer),
    })
  }

  /** Commands go home; everything else is answered here, or by each in turn. */
  #inOrder(partition: number, kind: PassedKind): readonly Member[] {
    const goesHome = kind === 'command' || kind === 'correction' || kind === 'part'
    return goesHome
      ? this.units.forCommands(partition)
      : // A state of the past that one of them has made is used again.
        this.units.forReads(partition, kind === 'past' ? 0 : this.#turn++)
  }

  #unavailable(partition: number, cause?: GridError): GridError {
    return new GridError(
      'partitions_unavailable',
      `Nobody who keeps ${logNameOf(this.#space.name, partition)} answers`,
      { details: { partitions: [partition] }, retryAfterMs, ...(cause ? { cause } : {}) },
    )
  }
}

const noAnswer = () =>
  new GridError('outcome_unknown', 'What was asked of the partition has no answer yet')
