import { expect, test } from 'vitest'
import { IdleCores } from './idle-cores.ts'

test('of two cores one and a quarter have had nothing to do', () => {
  let times = [
    { idle: 1000, all: 2000 },
    { idle: 5000, all: 9000 },
  ]
  const cores = new IdleCores(() => times)
  times = [
    { idle: 1100, all: 2100 },
    { idle: 5025, all: 9100 },
  ]
  expect(cores.look()).toBe(1.25)
  expect(cores.look()).toBeUndefined()
})

test('the system says something of each core', () => {
  const cores = new IdleCores()
  expect(cores.look() ?? 0).toBeGreaterThanOrEqual(0)
})
