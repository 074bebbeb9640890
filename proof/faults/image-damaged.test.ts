import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { FaultGrid } from '../support/fault-grid.ts'
import { goesOn } from '../support/goes-on.ts'
import { nothingFound } from '../support/grid-audit.ts'
import { imageIsWhole } from '../support/image-audit.ts'
import { tamperWithImage, withRedis } from '../support/tampering.ts'
import { waitFor } from '../support/wait-for.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const events = 'spacegrid:ticketing:events'

// architecture.md, invariant 9: "digests … are compared all the time, with MongoDB's and the warm
// image's as well"
test(`an entry of the warm image is lost, a value changed, under load: the audit notices, and the pump builds the image anew (SEED=${seed})`, {
  timeout: 120_000,
}, async () => {
  await using grid = await FaultGrid.start({ environment: { AUDIT_INTERVAL_MS: '1000' } })
  const { url } = grid.server('redis')
  const { logFile } = grid.component('data-reader').settings
  const crowd = await grid.crowd({ seed })
  await goesOn(crowd)
  const isWhole = () => imageIsWhole(url, 'ticketing')
  const timesCleared = async () =>
    (await readFile(logFile, 'utf8')).split('the warm image is wrong').length - 1
  const damages = [
    async () => void (await withRedis(url, (redis) => redis.hdel(events, 'crowd1-event-1'))),
    async () => void (await tamperWithImage(url, events, 'name', 'Another name')),
  ]
  for (const [number, damage] of damages.entries()) {
    await waitFor(isWhole, { what: 'a whole image', timeoutMs: 30_000 })
    expect(await timesCleared()).toBe(number)
    await damage()
    await waitFor(async () => (await timesCleared()) > number, {
      what: 'the image to be cleared',
      timeoutMs: 30_000,
    })
    await goesOn(crowd)
  }
  await waitFor(isWhole, { what: 'a whole image', timeoutMs: 30_000 })
  expect(await grid.audit()).toEqual(nothingFound)
  expect(await timesCleared()).toBe(damages.length)
})

// architecture.md, "The warm image … rebuildable, never the truth"
test(`an entry of the warm image cannot be read: a cold start reads the store (SEED=${seed})`, {
  timeout: 60_000,
}, async () => {
  await using grid = await FaultGrid.start({ units: 1 })
  const { url } = grid.server('redis')
  const crowd = await grid.crowd({ seed })
  await goesOn(crowd)
  await crowd.finish()
  await waitFor(() => imageIsWhole(url, 'ticketing'), { what: 'a whole image' })
  await withRedis(url, (redis) => redis.hset(events, 'crowd1-event-1', 'no entry'))
  const [unit] = grid.cluster.units
  if (!unit) throw new Error('there is no unit')
  unit.kill('SIGKILL')
  await unit.gone
  await grid.cluster.restart(unit)
  expect(grid.component('data-reader').ended).toBeUndefined()
  expect(await grid.audit({ image: false })).toEqual(nothingFound)
})
