import type { CallerIdentity } from '@spacegrid/grid/core/access'
import type { Taken } from '@spacegrid/grid/core/outcomes'
import type { HoldFate, Verdict } from '@spacegrid/grid/core/steps'

/**
 * What the coordinator of a command across partitions asks of those that keep one, and what comes
 * back: plain data, for whoever keeps it may be another unit. docs/decisions/0033.
 */

export type PartOperation =
  | 'prepare'
  | 'decide'
  | 'finish'
  | 'forget'
  | 'released'
  | 'persisted'
  /** The position of the log once everything that is stored by now is there. */
  | 'newest'
  /** By reactions, and by operators who look at what they have still to do. */
  | 'cancel'
  | 'forgetKeys'
  | 'outbox'
  /** In partition 0, for the whole space. */
  | 'turn'
  | 'endTurn'

/** One part of a command: a command with a handler, by its name, and its place among the parts. */
export interface AskedPart {
  readonly at: number
  readonly name: string
  readonly input: unknown
}

export interface PrepareAsked {
  readonly attempt: string
  readonly partition: number
  readonly coordinator: number
  readonly participants: readonly number[]
  /** Log time, ms. */
  readonly notAfter: number
  /** The command that consists of the parts, and its input. */
  readonly command: string
  readonly input: unknown
  /** Those of this partition, in their order: one transaction. */
  readonly parts: readonly AskedPart[]
  /** Who asks, for their handlers. */
  readonly caller?: CallerIdentity
  /** In the coordinator's partition, if the caller has given one. */
  readonly remembers?: { readonly key: string; readonly input: string }
  /** Where others hold what it needs it may wait for them: nothing that they wait for is held. */
  readonly mayWait: boolean
  readonly withinMs: number
  /** For others it waits no longer. Default: `withinMs`. */
  readonly waitMsMax?: number
}

export type Vote =
  /** Held. `data` as `packParts` packs it, outcomes filled in, of this partition's parts. */
  | {
      readonly vote: 'yes'
      readonly data: unknown
      readonly taken?: Taken | undefined
      readonly position: number
    }
  /** One of its parts says no; everything that was read for that is committed. */
  | {
      readonly vote: 'refused'
      readonly part: number
      readonly reason: string
      readonly details: Readonly<Record<string, unknown>>
    }
  /** The command was done before, under the same key. */
  | { readonly vote: 'replayed'; readonly answer: MadeAnswer; readonly position: number }
  /** What it read has changed, or is held. */
  | { readonly vote: 'no'; readonly hold?: string | undefined }

export interface DecideAsked {
  readonly attempt: string
  readonly verdict: Verdict
  /** By somebody else than the coordinator. */
  readonly asked: boolean
  readonly notAfter: number
  /** What the caller is answered with, and what is remembered. */
  readonly commit?: CommitAsked
}

export interface CommitAsked {
  readonly command: string
  readonly input: unknown
  /** As `packParts` packs it, of all parts. */
  readonly data: unknown
  readonly taken?: Taken | undefined
  readonly remembers?: { readonly key: string; readonly input: string }
}

/** What a caller is answered with, or what kept the application from making it. */
export type MadeAnswer =
  | { readonly result: unknown; readonly version: number }
  | {
      readonly failure: {
        readonly code: string
        readonly message: string
        readonly details: Readonly<Record<string, unknown>>
      }
    }

export interface Followed {
  readonly fate: HoldFate
  readonly position: number
  /** Of a commit that somebody has asked for with `commit`. */
  readonly answer?: MadeAnswer
}

export interface FinishAsked {
  readonly attempt: string
  readonly verdict: Verdict
}

export interface ForgetAsked {
  readonly attempt: string
}

/** A command that a reaction wants not to be done any more. */
export interface CancelAsked {
  readonly command: string
  readonly input: unknown
  readonly key: string
}

export interface ForgetKeysAsked {
  readonly keys: readonly string[]
}

/** Whether MongoDB has come as far. */
export interface PersistedAsked {
  readonly position: number
}

export interface ReleasedAsked {
  readonly attempt: string
  readonly withinMs: number
}

export interface TurnAsked {
  readonly id: string
  /** Hashes of the partition keys of its parts, each once. */
  readonly keys: readonly number[]
  readonly withinMs: number
}

export interface TurnEnded {
  readonly id: string
}
