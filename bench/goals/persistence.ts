import type { RunningSubject } from '../processes/running-subject.ts'
import type { Part } from '../subjects/persistence.ts'
import type { GoalContext } from './goal-context.ts'

/** Of everything that the goals about persistence store. */
export const database = 'bench_grid'

export async function startPersistence(
  context: GoalContext,
  space: string,
  { image }: { readonly image: boolean },
): Promise<RunningSubject> {
  const { servers } = context
  const redisUrl = image ? { redisUrl: await servers.url('redis') } : {}
  const mongodbUrl = await servers.url('mongodb')
  const natsUrl = await servers.url('nats')
  return await context.start('persistence', { natsUrl, mongodbUrl, ...redisUrl, database, space })
}

export async function startBulk(context: GoalContext): Promise<RunningSubject> {
  return await context.start('mongo-bulk', {
    url: await context.servers.url('mongodb'),
    database,
  })
}

export const startPart = (persistence: RunningSubject, part: Part): Promise<void> =>
  persistence.request('start', part)

/** @returns ms until the part was there */
export const reach = (persistence: RunningSubject, part: Part, position: number): Promise<number> =>
  persistence.request('reach', part, position)

export async function positionOf(unit: RunningSubject): Promise<number> {
  return (await unit.request<{ position: number }>('status')).position
}
