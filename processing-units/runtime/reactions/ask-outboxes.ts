import { GridError } from '@spacegrid/grid/core/errors'
import { hashOfId, partitionOfHash } from '@spacegrid/grid/core/partition'
import type { OutboxAnswers, OutboxAsked, OutboxList } from './outbox-desk.ts'

/** What an operator asks of the outbox of a divided space, asked of those of its partitions. */
export async function askOutboxes(
  asked: OutboxAsked,
  partitions: number,
  ask: (partition: number, asked: OutboxAsked) => Promise<unknown>,
): Promise<unknown> {
  if (asked.what === 'show') return await ask(partitionOf(asked.id, partitions), asked)
  if (asked.what === 'list') {
    const lists: OutboxList[] = []
    for (let partition = 0; partition < partitions; partition++)
      lists.push((await ask(partition, asked)) as OutboxList)
    return {
      entries: lists
        .flatMap(({ entries }) => entries)
        .sort((one, other) => one.at - other.at)
        .slice(0, asked.limit),
      total: lists.reduce((sum, { total }) => sum + total, 0),
    } satisfies OutboxList
  }
  const answers: OutboxAnswers['replay'][] = []
  const byPartition = Map.groupBy(asked.ids, (id) => partitionOf(id, partitions))
  for (const [partition, ids] of byPartition)
    answers.push((await ask(partition, { ...asked, ids })) as OutboxAnswers['replay'])
  return {
    done: answers.flatMap(({ done }) => done),
    not: answers.flatMap(({ not }) => not),
  } satisfies OutboxAnswers['replay']
}

function partitionOf(id: string, partitions: number): number {
  const hash = hashOfId(id)
  if (hash === undefined) throw new GridError('not_found', `There is no ${id} in the outbox`)
  return partitionOfHash(hash, partitions)
}
