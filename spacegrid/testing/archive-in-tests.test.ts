import { defineCache, defineCommand, defineSpace, Type } from 'spacegrid'
import { expect, test } from 'vitest'
import { SpaceHarness } from './space-harness.ts'
import { testGrid } from './test-grid.ts'

const visits = defineCache('visits', {
  schema: Type.Object({ id: Type.String(), count: Type.Integer(), at: Type.Integer() }),
  key: 'id',
  partitionBy: 'id',
  archive: { after: 'at', ms: 1000 },
})

const visit = defineCommand('visit', {
  input: Type.Object({ id: Type.String() }),
  partitionBy: 'id',
  result: Type.Object({ count: Type.Integer() }),
  handler(tx, { id }) {
    const count = (tx.get(visits, id)?.count ?? 0) + 1
    tx.put(visits, { id, count, at: tx.now })
    return { count }
  },
})

const spaceOf = (partitions: number) =>
  defineSpace('museum', { caches: [visits], commands: [visit], partitions })

test.each([1, 4])(
  'units of a test grid need what has left memory: %i partitions',
  async (partitions) => {
    const grid = await testGrid(spaceOf(partitions), { units: 2 })
    const come = (id: string, unit: number) => grid.when(visit, { id }, { unit })
    expect(await come('ann', 0)).toEqual({ count: 1 })
    await grid.advance(5000)
    await grid.settle()
    expect(grid.entries(visits)).toEqual([])
    expect(await come('ann', 1)).toEqual({ count: 2 })
    expect(await come('ben', 0)).toEqual({ count: 1 })
    expect(grid.entries(visits).map(({ id }) => id)).toEqual(['ann', 'ben'])
    await grid.stop()
  },
)

test('in a harness nothing leaves memory, and commands answer the same', async () => {
  const harness = new SpaceHarness(spaceOf(1))
  expect(await harness.execute('visit', { id: 'ann' })).toMatchObject({ count: 1 })
  harness.advance(5000)
  expect(await harness.execute('visit', { id: 'ann' })).toMatchObject({ count: 2 })
})
