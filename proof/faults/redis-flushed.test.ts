import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { FaultGrid } from '../support/fault-grid.ts'
import { goesOn } from '../support/goes-on.ts'
import { nothingFound } from '../support/grid-audit.ts'
import { imageIsWhole } from '../support/image-audit.ts'
import { waitFor } from '../support/wait-for.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const flushes = 2

// architecture.md, section 5: "Redis down: nothing; pump goes on; image rebuilt later"
test(`Redis is flushed and killed under load: the warm image is rebuilt, and exact (SEED=${seed})`, {
  timeout: 120_000,
}, async () => {
  await using grid = await FaultGrid.start()
  const server = grid.server('redis')
  // Under load the image moves on while it is read, so what is waited for is that it shows a
  // position again: until it is whole it has none.
  const isThere = () =>
    waitFor(() => imageIsWhole(server.url, 'ticketing'), {
      what: 'a whole image',
      timeoutMs: 30_000,
    })
  const crowd = await grid.crowd({ seed })
  await goesOn(crowd)
  const redis = new Redis(server.url)
  for (let flush = 0; flush < flushes; flush++) {
    await redis.flushall()
    await goesOn(crowd)
    await isThere()
  }
  redis.disconnect()
  await server.kill()
  await goesOn(crowd)
  await server.restart()
  await isThere()
  await goesOn(crowd)
  // The audit computes the image's digest from its entries, and compares it with MongoDB's and
  // every unit's.
  expect(await grid.audit()).toEqual(nothingFound)
  expect([...crowd.retried], 'requests that failed').toEqual([])
})
