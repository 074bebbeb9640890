import type {
  CancelAsked,
  DecideAsked,
  FinishAsked,
  ForgetAsked,
  ForgetKeysAsked,
  PartOperation,
  PersistedAsked,
  PrepareAsked,
  ReleasedAsked,
} from './across/part-messages.ts'
import type { CommandRunner } from './command-runner.ts'
import type { PersistenceWatch } from './persistence-watch.ts'
import type { UnitReactions } from './reactions/unit-reactions.ts'

/** The unit of one partition, as others ask it. */
export interface AskedPartition {
  readonly space: string
  /** @throws GridError `not_ready` */
  readonly runner: () => CommandRunner
  readonly persistence: PersistenceWatch | undefined
  readonly reactions: UnitReactions
}

/**
 * What is asked of one partition beside its own commands and queries: by the coordinator of a
 * command across partitions, by reactions, and by operators.
 * @throws GridError as `execute`
 */
export async function doInPartition(
  { space, runner, persistence, reactions }: AskedPartition,
  operation: PartOperation,
  asked: object,
): Promise<unknown> {
  switch (operation) {
    case 'cancel': {
      const { command, input, key } = asked as CancelAsked
      return await reactions.cancel(command, input, key)
    }
    case 'forgetKeys':
      return await reactions.forget((asked as ForgetKeysAsked).keys)
    case 'outbox':
      return await reactions.ask(asked)
  }
  const running = runner()
  const { parts } = running
  if (!parts) throw new Error(`space ${space} is not divided`)
  switch (operation) {
    case 'prepare':
      return await parts.prepare(asked as PrepareAsked)
    case 'decide':
      return await parts.decide(asked as DecideAsked)
    case 'finish':
      return await parts.finish(asked as FinishAsked)
    case 'forget':
      return await parts.forget((asked as ForgetAsked).attempt)
    case 'released': {
      const { attempt, withinMs } = asked as ReleasedAsked
      return await parts.released(attempt, withinMs)
    }
    case 'persisted':
      await persistence?.reach((asked as PersistedAsked).position)
      return true
    case 'newest':
      return await running.barrier()
  }
}
