import type {
  CancelAsked,
  ForgetKeysAsked,
  PartOperation,
  PersistedAsked,
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
  if (operation === 'newest') return await running.barrier()
  if (operation !== 'persisted') return await parts.part(operation, asked)
  await persistence?.reach((asked as PersistedAsked).position)
  return true
}
