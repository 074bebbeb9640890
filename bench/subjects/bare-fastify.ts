import type { AddressInfo } from 'node:net'
import { fastify } from 'fastify'
import { Type } from 'spacegrid'
import { countResult, itemInput, itemOf, itemSchema, touchInput } from '../hot-path/bench-space.ts'
import type { Subject } from '../processes/subject.ts'

export interface BareFastifyOptions {
  readonly space: string
}

/**
 * The routes of the bench space, their schemas and their serialization, with no work behind them.
 */
export async function open({ space }: BareFastifyOptions): Promise<Subject> {
  const app = fastify({ logger: false })
  const item = itemOf(1)
  const answer = { position: Type.Integer() }
  app.get(
    `/${space}/queries/item`,
    {
      schema: {
        querystring: itemInput,
        response: { 200: Type.Object({ result: itemSchema, ...answer }) },
      },
    },
    async () => ({ result: item, position: 1 }),
  )
  app.post(
    `/${space}/commands/touch`,
    {
      schema: {
        body: touchInput,
        response: {
          200: Type.Object({ result: countResult, ...answer, version: Type.Integer() }),
        },
      },
    },
    async () => ({ result: { count: 1 }, position: 1, version: 1 }),
  )
  await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    operations: {},
    requests: { port: () => (app.server.address() as AddressInfo).port },
    close: () => app.close(),
  }
}
