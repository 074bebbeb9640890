import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { loadSimulations } from './load-simulations.ts'

const inventory = new URL('../../processing-units/inventory/space.ts', import.meta.url)

test('a space is simulated with its reactions, and all that they need is there', async () => {
  const [group] = await loadSimulations(fileURLToPath(inventory))
  expect(group).toMatchObject({ name: 'inventory', leftOut: [], partitions: 1 })
  const [{ space } = { space: undefined }] = group?.simulations ?? []
  expect([...(space?.reactions?.keys() ?? [])]).toEqual(['onLow'])
})
