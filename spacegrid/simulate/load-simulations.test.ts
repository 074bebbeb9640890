import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { loadSimulations } from './load-simulations.ts'

const inventory = new URL('../../processing-units/inventory/space.ts', import.meta.url)

test('of a space with reactions all but these is simulated', async () => {
  const [simulation] = await loadSimulations(fileURLToPath(inventory))
  const { caches, commands, reactions } = simulation?.space ?? {}
  expect(caches?.map(({ name }) => name)).toEqual(['products', 'reservations', 'orders'])
  expect([...(commands?.keys() ?? [])]).toContain('reorder')
  expect(reactions).toBeUndefined()
})
