// biome-ignore-all lint/suspicious/noExportsInTest: what the tests beside this one have in common
import { expect, test } from 'vitest'
import {
  decodeFrame,
  decodeTransactions,
  encodeFrame,
  encodeTransactions,
} from '../engine/wire/frame-codec.ts'
import { evaluate, isValid } from './evaluation.ts'
import { type ChainedFrame, type Frame, FrameKind } from './frame.ts'
import { Melder, originSilentMsMax } from './meld.ts'
import { Overlay } from './overlay.ts'
import {
  type Attempt,
  type Command,
  execute,
  newCommand,
  type Random,
  randomOf,
  shape,
} from './random-commands.test.ts'
import { SpaceState } from './space-state.ts'

/** How often each thing happened, over all runs: a test of what never happens proves nothing. */
export const counts = {
  applied: 0,
  refused: 0,
  collided: 0,
  ignored: 0,
  givenUp: 0,
  inParts: 0,
  forgotten: 0,
  confirmed: 0,
  unconfirmed: 0,
}

/** The log, and a network before it that loses, doubles and delays what it carries. */
export class World {
  readonly random: Random
  readonly log: { readonly data: Uint8Array; readonly time: number }[] = []
  readonly delayed: Uint8Array[] = []
  readonly attempts = new Map<number, Attempt>()
  /** Frames that their origin has given up for certain. */
  readonly givenUp = new Set<string>()
  /** Of whoever was first at a position. */
  readonly #digests: string[] = []
  readonly #reliable: boolean
  #time = 1e6

  constructor(seed: number, reliable = false) {
    this.random = randomOf(seed)
    this.#reliable = reliable
    this.store(encodeFrame({ kind: FrameKind.shape, shape }))
  }

  publish(frame: Frame): void {
    const data = Uint8Array.from(encodeFrame(frame))
    const luck = this.#reliable ? 99 : this.random(100)
    if (luck >= 8 && luck < 24) this.delayed.push(data)
    if (luck >= 16) this.store(data)
  }

  /** The clock of the log runs unevenly, now and then backwards. */
  store(data: Uint8Array): void {
    this.#time += this.random(30) - 10 + (this.random(300) === 0 ? originSilentMsMax : 0)
    this.log.push({ data, time: this.#time })
  }

  deliverDelayed(): void {
    for (const data of this.delayed.splice(this.random(this.delayed.length), 1)) this.store(data)
  }

  /** architecture.md, invariant 9 */
  compare(state: SpaceState): void {
    const digest = state.digest.toString()
    this.#digests[state.position] ??= digest
    expect(digest).toBe(this.#digests[state.position])
  }
}

interface InFlight {
  readonly frame: ChainedFrame
  readonly items: readonly Attempt[]
}

export class Unit {
  readonly name: string
  readonly world: World
  readonly state = new SpaceState()
  readonly melder: Melder
  origin = 0
  nonce = 0
  again: Command[] = []
  #lives = 0
  #number = 0
  #frames = 0
  #lastAccepted = 0
  #room = 6
  #open: Attempt[] = []
  #inFlight: InFlight[] = []
  #melding: InFlight | undefined

  constructor(name: string, world: World) {
    this.name = name
    this.world = world
    this.melder = new Melder(this.state, decodeTransactions, {
      accepted: (frame) => {
        const head = this.#inFlight[0]
        this.#melding = frame.origin === this.origin ? head : undefined
        if (this.#melding) expect(head?.frame.id).toBe(frame.id)
        this.#confirm(0)
      },
      decided: (index, _, id, evaluation) => {
        const attempt = this.#melding?.items.filter(({ writes }) => writes)[index]
        if (!attempt) return
        expect(attempt.id).toBe(id)
        if (evaluation.outcome === 'collided') this.again.push(attempt.command)
        this.#confirm(index + 1)
      },
    })
  }

  /** Attempts that wait for their decision, in their order. */
  get #pending(): Attempt[] {
    return [...this.#inFlight.flatMap(({ items }) => items), ...this.#open]
  }

  run(command: Command): void {
    if (this.origin === 0 || command.attempts++ > 8) return
    const overlay = new Overlay(this.state)
    for (const { record, id, writes } of this.#pending) {
      const foreseen = writes ? evaluate(overlay, record, id, Infinity) : undefined
      if (foreseen?.outcome === 'applied')
        for (const w of foreseen.writes) overlay.write(w.cache, w.key, w.value, w.version)
    }
    const notBefore = command.waits ? this.state.time + 20 : 0
    const attempt = execute(overlay, command, this.origin, ++this.#number, notBefore)
    this.world.attempts.set(attempt.id, attempt)
    this.#open.push(attempt)
  }

  /**
   * Refusals and mere reads: told to the caller only if the committed state at their place gives
   * the same answer.
   */
  #confirm(place: number): void {
    let before = 0
    for (const attempt of this.#melding?.items ?? []) {
      if (attempt.writes) before++
      else if (before === place) {
        const valid = isValid(this.state, attempt.record)
        counts[valid ? 'confirmed' : 'unconfirmed']++
        if (!valid) this.again.push(attempt.command)
        else {
          const alone = execute(this.state, attempt.command, this.origin, attempt.record.number)
          expect([alone.rejection?.reason, alone.rejection?.details, alone.data]).toEqual([
            attempt.rejection?.reason,
            attempt.rejection?.details,
            attempt.data,
          ])
        }
      }
    }
  }

  send(): void {
    if (this.origin === 0) {
      this.nonce = this.world.random(2 ** 31)
      this.world.publish({ kind: FrameKind.join, unit: this.name, nonce: this.nonce })
    } else if (this.#open.length > 0 && this.#inFlight.length < 3) {
      const transactions = this.#open.filter(({ writes }) => writes).map(({ record }) => record)
      const bytes = encodeTransactions(transactions)
      let parts = this.world.random(6) === 0 ? 1 + this.world.random(3) : 0
      if (bytes.length < parts) parts = 0
      for (let i = 0; i < parts; i++) {
        const cut = (at: number) => Math.floor((bytes.length * at) / parts)
        this.#launch({
          kind: FrameKind.part,
          ...this.#link(),
          bytes: bytes.slice(cut(i), cut(i + 1)),
        })
      }
      const whole = parts === 0 ? transactions : []
      this.#launch(
        { kind: FrameKind.transactions, ...this.#link(), transactions: whole, parts },
        this.#open,
      )
      this.#open = []
    }
  }

  leave(): void {
    if (this.origin !== 0) this.#launch({ kind: FrameKind.leave, ...this.#link() })
  }

  #link() {
    const previous = this.#inFlight.at(-1)?.frame.id ?? this.#lastAccepted
    const deadline = this.state.position + this.#room
    return { origin: this.origin, id: ++this.#frames, previous, deadline }
  }

  #launch(frame: ChainedFrame, items: readonly Attempt[] = []): void {
    this.#inFlight.push({ frame, items })
    this.world.publish(frame)
  }

  tail(): void {
    const position = this.state.position + 1
    const record = this.world.log[position - 1]
    if (!record) return
    const frame = decodeFrame(record.data)
    const accepted = this.melder.meld(frame, position, record.time)
    this.#melding = undefined
    this.world.compare(this.state)
    if (frame.kind === FrameKind.join && frame.nonce === this.nonce && this.origin === 0)
      this.#start(position)
    else if (accepted && 'origin' in frame && frame.origin === this.origin) {
      expect(this.#inFlight.shift()?.frame.id).toBe(frame.id)
      this.#lastAccepted = frame.id
      this.#room = 6
    }
    if (this.origin !== 0 && !this.state.origins.has(this.origin)) {
      this.#giveUp(0)
      this.again.push(...this.#open.splice(0).map(({ command }) => command))
      this.origin = 0
    }
    const late = this.#inFlight.findIndex(({ frame }) => frame.deadline < position)
    if (late >= 0) {
      this.#giveUp(late)
      this.#room *= 2
    }
  }

  #start(origin: number): void {
    if (this.#lives++ > 0) counts.forgotten++
    this.origin = origin
    this.#lastAccepted = 0
    this.#room = 6
  }

  #giveUp(from: number): void {
    for (const { frame, items } of this.#inFlight.splice(from)) {
      this.world.givenUp.add(`${frame.origin}.${frame.id}`)
      this.again.push(...items.map(({ command }) => command))
      counts.givenUp++
    }
  }
}

// A chain of pending transactions is valid by itself: architecture.md, invariant 2.
test('a unit alone, whose frames all land, never collides with itself', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const unit = new Unit('alone', new World(seed, true))
    const { random, log } = unit.world
    unit.send()
    while (unit.origin === 0) unit.tail()
    for (let i = 0; i < 40; i++) {
      unit.run(newCommand(random, false))
      if (random(4) === 0) unit.send()
      if (random(2) === 0) unit.tail()
    }
    while (unit.state.position < log.length) unit.tail()
    expect(unit.again).toEqual([])
    expect(unit.state.entryCount).toBeGreaterThan(5)
  }
})
