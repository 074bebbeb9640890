import type { AnyCommand } from '@spacegrid/grid/core/definition'
import { type ErrorCode, errorKinds, GridError, isGridError } from '@spacegrid/grid/core/errors'
import { refusalOfParts } from '@spacegrid/grid/core/parts'
import { tokenOfAll } from '@spacegrid/grid/core/position'
import type { CommandAnswer } from '@spacegrid/grid/doors/request/serving'
import type { AskedPart, MadeAnswer, PrepareAsked, Vote } from './part-messages.ts'

/** The parts of a command that are in one partition. */
export interface DividedGroup {
  readonly partition: number
  readonly parts: readonly AskedPart[]
  /** Hashes of their partition keys, each once. */
  readonly keys: readonly number[]
}

/** A command with its parts by partition, in the order in which they first come. */
export interface Divided {
  readonly command: AnyCommand
  readonly input: unknown
  readonly count: number
  readonly groups: readonly DividedGroup[]
  /** With the fingerprint of the input. */
  readonly remembers: PrepareAsked['remembers'] | undefined
  /** Who asks. */
  readonly caller?: PrepareAsked['caller'] | undefined
}

/** What one partition has said of an attempt; or why it has said nothing. */
export type Ballot =
  | { readonly partition: number; readonly vote: Vote }
  | { readonly partition: number; readonly error: GridError }

/** What an attempt comes to. */
export type Outcome =
  | { readonly kind: 'answer'; readonly answer: CommandAnswer<string> }
  | { readonly kind: 'error'; readonly error: GridError }
  | { readonly kind: 'again'; readonly partition: number; readonly hold: string | undefined }

export type Yes = Ballot & { readonly vote: Extract<Vote, { vote: 'yes' }> }
type Refused = Ballot & { readonly vote: Extract<Vote, { vote: 'refused' }> }

export const isYes = (ballot: Ballot): ballot is Yes =>
  'vote' in ballot && ballot.vote.vote === 'yes'
export const isRefused = (ballot: Ballot): ballot is Refused =>
  'vote' in ballot && ballot.vote.vote === 'refused'
/** It may have been prepared. */
export const isUnknown = (ballot: Ballot): boolean =>
  'error' in ballot && isGridError(ballot.error, 'outcome_unknown')

/** Of an attempt that is not wholly prepared: not every partition has voted for it. */
export function outcomeOf(divided: Divided, ballots: readonly Ballot[], isLast: boolean): Outcome {
  for (const ballot of ballots)
    if ('vote' in ballot && ballot.vote.vote === 'replayed') {
      const { answer, position } = ballot.vote
      const positions = new Map([[ballot.partition, position]])
      return answered(answer, positions, 'committed', true)
    }
  for (const ballot of ballots)
    if ('error' in ballot && !isGridError(ballot.error, 'outcome_unknown'))
      return { kind: 'error', error: ballot.error }
  const unsure = ballots.find((ballot) => !isYes(ballot) && !isRefused(ballot))
  const refused = ballots.filter(isRefused).map(({ vote }) => vote)
  // Who else refuses is not known yet.
  if (refused.length > 0 && (!unsure || isLast)) return refusal(divided, refused)
  const hold =
    unsure && 'vote' in unsure && unsure.vote.vote === 'no' ? unsure.vote.hold : undefined
  const [first] = ballots
  return { kind: 'again', partition: (unsure ?? first)?.partition ?? 0, hold }
}

/** The reason of the first part that refuses, and of each of them. */
function refusal({ groups }: Divided, refused: readonly Refused['vote'][]): Outcome {
  const names = new Map(groups.flatMap(({ parts }) => parts.map(({ at, name }) => [at, name])))
  const parts = refused
    .toSorted((a, b) => a.part - b.part)
    .map(({ part, reason, details }) => {
      const command = names.get(part) ?? ''
      return { part, command, reason, details }
    })
  return { kind: 'error', error: refusalOfParts(parts) }
}

/** What whoever has decided an attempt has made of it, for its caller. */
export function answered(
  answer: MadeAnswer | undefined,
  positions: ReadonlyMap<number, number>,
  level: CommandAnswer['acknowledged'],
  replayed: boolean,
): Outcome {
  if (!answer) throw new Error('a commit has an answer')
  if ('failure' in answer) {
    const { code, message, details } = answer.failure
    const known = Object.hasOwn(errorKinds, code) ? (code as ErrorCode) : 'internal'
    return { kind: 'error', error: new GridError(known, message, { details }) }
  }
  const { result, version } = answer
  const position = tokenOfAll(positions)
  // What is only accepted in one partition is committed here: less is not to be had.
  const acknowledged = level === 'accepted' ? 'committed' : level
  return { kind: 'answer', answer: { result, position, version, replayed, acknowledged } }
}
