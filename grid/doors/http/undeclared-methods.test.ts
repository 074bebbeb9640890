import { expect, onTestFinished, test } from 'vitest'
import {
  defineCache,
  defineCommand,
  defineProjection,
  defineQuery,
  defineSpace,
  Type,
} from '../../core/define.ts'
import { createHttpServer } from './http-server.ts'
import { MemoryServing } from './test-support/memory-serving.ts'

const orders = defineCache('orders', {
  schema: Type.Object({ id: Type.String(), of: Type.String(), closedAt: Type.Integer() }),
  key: 'id',
  readable: true,
  indexes: { byOf: ['of'] },
  archive: { when: { of: ['nobody'] }, after: 'closedAt', ms: 1000 },
})

/** One of everything that has a route. */
const everything = defineSpace('everything', {
  caches: [orders],
  commands: [defineCommand('add', { input: Type.Object({}), handler: () => ({}) })],
  queries: [defineQuery('find', { input: Type.Object({}), handler: () => ({}) })],
  projections: [
    defineProjection('customers', {
      of: orders,
      readable: true,
      groupBy: ['of'],
      values: ({ count }) => ({ orders: count() }),
    }),
  ],
})

test('every path of the document answers 405 to every method it does not describe', async () => {
  const door = createHttpServer([new MemoryServing('one', everything)], {
    log: { error: () => undefined },
  })
  onTestFinished(() => door.close())
  const { paths } = (await door.inject('/openapi.json')).json() as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>
  }
  expect(Object.keys(paths).length).toBeGreaterThan(8)
  for (const [path, operations] of Object.entries(paths)) {
    const url = path.replaceAll(/\{\w+\}/g, 'x')
    const described = Object.keys(operations).map((method) => method.toUpperCase())
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'LOCK'] as const) {
      if (described.includes(method)) continue
      const answer = await door.inject({ method: method as 'PUT', url })
      expect([method, path, answer.statusCode]).toEqual([method, path, 405])
      const allowed = String(answer.headers.allow).split(', ')
      expect([path, allowed], `${method}`).toEqual([path, expect.arrayContaining(described)])
    }
  }
})
