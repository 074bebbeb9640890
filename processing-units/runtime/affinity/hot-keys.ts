import { hotKeysMax } from '@spacegrid/grid/engine/placement/presence-message'
import { DecayingRate } from './decaying-rate.ts'

/** It cools down below so many: re-executions, and commands that others would collide with. */
export const coolPerSecond = 2
/** Below that for so long it has cooled down, ms. */
export const coolMs = 3000
/** Keys that are counted; beyond, the one that collides least makes room. */
const countedMax = 1024
/** What has less is forgotten. */
const forgottenPerSecond = 0.1
const textMax = 64

/** The value of an affinity key. */
export interface AffinityKey {
  readonly hash: number
  /** For people. */
  readonly text: string
}

/** How it goes with one key in this unit. */
export interface KeyFigures extends AffinityKey {
  readonly collisionsPerSecond: number
  /** Commands that have come in here; counted only while the key is hot. */
  readonly commandsPerSecond: number
}

interface Counted {
  readonly text: string
  readonly collisions: DecayingRate
  readonly commands: DecayingRate
  /** Monotonic ms at which it was warm last; undefined: not hot by what is seen here. */
  warmAt: number | undefined
}

/**
 * The affinity keys that collide in one unit, and which of them are hot. Collisions make a key hot;
 * while it has a home there are none, so from then on the commands are counted that would collide:
 * those that come in here, as long as another unit has such commands as well. So a key stays hot
 * while at least two units want it, and cools down when only one is left.
 */
export class HotKeys {
  readonly #hotPerSecond: number
  readonly #keys = new Map<number, Counted>()

  /** @param hotPerSecond from so many re-executions a second on a key is hot */
  constructor(hotPerSecond: number) {
    this.#hotPerSecond = hotPerSecond
  }

  get counted(): number {
    return this.#keys.size
  }

  /**
   * A command of this key has to run again.
   * @returns whether that has made it hot
   */
  collided(key: AffinityKey, now: number): boolean {
    const counted = this.#of(key, now)
    counted.collisions.add(now)
    if (counted.collisions.perSecond(now) < this.#hotPerSecond) return false
    const isNew = counted.warmAt === undefined
    counted.warmAt = now
    return isNew
  }

  /** A command of a hot key has come in. */
  used(key: AffinityKey, now: number): void {
    this.#of(key, now).commands.add(now)
  }

  /**
   * Looked at several times a second.
   * @param elsewhere whether another unit says that a key is hot
   * @returns whether other keys are hot now
   */
  look(now: number, elsewhere: (hash: number) => boolean): boolean {
    let isChanged = false
    for (const [hash, counted] of this.#keys) {
      const heat = heatOf(counted, now, elsewhere(hash))
      const { warmAt } = counted
      if (heat >= coolPerSecond && (warmAt !== undefined || elsewhere(hash))) {
        isChanged ||= warmAt === undefined
        counted.warmAt = now
      } else if (warmAt !== undefined && now - warmAt >= coolMs) {
        isChanged = true
        counted.warmAt = undefined
      }
      if (counted.warmAt === undefined && isForgotten(counted, now)) this.#keys.delete(hash)
    }
    return isChanged
  }

  /** Those that are hot by what is seen here, the hottest first, and how hot. */
  hot(now: number): Map<number, number> {
    const hot = [...this.#keys].flatMap(([hash, counted]) =>
      counted.warmAt === undefined ? [] : [[hash, heatOf(counted, now, true)] as const],
    )
    hot.sort(([, one], [, other]) => other - one)
    return new Map(hot.slice(0, hotKeysMax))
  }

  /** What is known of those that are counted, those that collide most first. */
  figures(now: number): KeyFigures[] {
    return [...this.#keys]
      .map(([hash, { text, collisions, commands }]) => ({
        ...{ hash, text },
        collisionsPerSecond: collisions.perSecond(now),
        commandsPerSecond: commands.perSecond(now),
      }))
      .sort(
        (one, other) =>
          other.collisionsPerSecond - one.collisionsPerSecond ||
          other.commandsPerSecond - one.commandsPerSecond,
      )
  }

  #of({ hash, text }: AffinityKey, now: number): Counted {
    const known = this.#keys.get(hash)
    if (known) return known
    if (this.#keys.size >= countedMax) this.#makeRoom(now)
    const counted: Counted = {
      text: text.length > textMax ? `${text.slice(0, textMax)}…` : text,
      collisions: new DecayingRate(),
      commands: new DecayingRate(),
      warmAt: undefined,
    }
    this.#keys.set(hash, counted)
    return counted
  }

  #makeRoom(now: number): void {
    let coldest: number | undefined
    let least = Number.POSITIVE_INFINITY
    for (const [hash, counted] of this.#keys) {
      const heat = heatOf(counted, now, true)
      if (heat >= least) continue
      coldest = hash
      least = heat
    }
    if (coldest !== undefined) this.#keys.delete(coldest)
  }
}

const heatOf = ({ collisions, commands }: Counted, now: number, isWantedElsewhere: boolean) =>
  collisions.perSecond(now) + (isWantedElsewhere ? commands.perSecond(now) : 0)

const isForgotten = (counted: Counted, now: number): boolean =>
  heatOf(counted, now, true) < forgottenPerSecond
