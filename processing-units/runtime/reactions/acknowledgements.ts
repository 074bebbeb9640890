import { isGridError } from '@spacegrid/grid/core/errors'
import type { Clock, Timer } from '@spacegrid/grid/engine/ports/clock'
import { reactionKeyPrefix } from '../idempotency.ts'
import type { ReactAnswer, ReactRequest } from './react-request.ts'

interface Done {
  readonly space: string
  readonly key: string
  readonly position: number | string
}

/** Pause in which more may come: it is no hurry. */
const gatherMs = 200
/** Of one message, and of one transaction. */
const keysMax = 500
/** Entries of which it is known where they were done; beyond, they are remembered for longer. */
const entriesMax = 100_000

/**
 * Tells those who have done something for a reaction that it is written down: they need not
 * remember it much longer. Nothing depends on it: what is not told is remembered until its time is
 * up.
 */
export class Acknowledgements {
  readonly #clock: Clock
  readonly #send: (space: string, request: ReactRequest) => Promise<ReactAnswer>
  /** By entry of the outbox. */
  readonly #done = new Map<string, Done[]>()
  #ready: Done[] = []
  #timer: Timer | undefined

  constructor(clock: Clock, send: (space: string, request: ReactRequest) => Promise<ReactAnswer>) {
    this.#clock = clock
    this.#send = send
  }

  done(space: string, key: string, position: number | string): void {
    const [id = ''] = key.slice(reactionKeyPrefix.length).split(':')
    const known = this.#done.get(id)
    if (known) known.push({ space, key, position })
    else if (this.#done.size < entriesMax) this.#done.set(id, [{ space, key, position }])
  }

  /** What has become of the entry is written down. */
  finished(id: string): void {
    const done = this.#done.get(id)
    if (!done) return
    this.#done.delete(id)
    this.#ready.push(...done)
    this.#timer ??= this.#clock.after(gatherMs, () => this.#tell())
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#done.clear()
    this.#ready = []
  }

  #tell(): void {
    this.#timer = undefined
    const ready = this.#ready
    this.#ready = []
    // In a space with one partition the position says nothing.
    const place = ({ space, position }: Done) =>
      `${space} ${typeof position === 'string' ? position.replace(/\d+$/, '') : ''}`
    for (const group of Map.groupBy(ready, place).values())
      for (let at = 0; at < group.length; at += keysMax) {
        const part = group.slice(at, at + keysMax)
        const [{ space, position }] = part as [Done]
        const keys = part.map(({ key }) => key)
        this.#send(space, { kind: 'forget', keys, position }).catch((error: unknown) => {
          if (!isGridError(error)) throw error
        })
      }
  }
}
