import { defineQuery, defineSpace, Type } from '@spacegrid/grid/core/define'
import { expect, onTestFinished, test } from 'vitest'
import { createHttpServer } from './http-server.ts'
import { MemoryServing } from './test-support/memory-serving.ts'

test('what may be anything may be nothing: it is left out, as JSON does', async () => {
  const lost = defineQuery('lost', {
    input: Type.Object({}),
    result: Type.Object({ a: Type.Unknown(), b: Type.Integer() }),
    handler: () => ({ a: undefined, b: 1 }),
  })
  const space = defineSpace('things', { caches: [], commands: [], queries: [lost] })
  const faults: object[] = []
  const log = { error: (fields: object) => faults.push(fields) }
  const app = createHttpServer([new MemoryServing('unit', space)], { log })
  onTestFinished(() => app.close())
  const answer = await app.inject({ url: '/things/queries/lost' })
  expect(faults).toEqual([])
  expect(answer.json()).toMatchObject({ result: { b: 1 } })
})
