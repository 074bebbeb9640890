import { NatsMessaging } from '@spacegrid/grid/adapters/nats/nats-messaging'
import { subjects } from '@spacegrid/grid/records/subjects'
import { FaultGrid } from '@spacegrid/test-support/fault-grid'
import { nothingFound } from '@spacegrid/test-support/grid-audit'
import { pairedRoles, pairOf, takesOver } from '@spacegrid/test-support/standby'
import { waitFor } from '@spacegrid/test-support/wait-for'
import { afterAll, beforeAll, expect, test } from 'vitest'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

let grid: FaultGrid
beforeAll(async () => {
  grid = await FaultGrid.start({ units: 2, copies: 2 })
})
afterAll(() => grid.stop())

test(`a second pump, and a second writer, takes over when the first is killed (SEED=${seed})`, async () => {
  await grid.crowd({ seed })
  for (const role of pairedRoles) {
    const pair = await pairOf(grid, role)
    await takesOver(pair, 'killed', async () => {
      pair.active.kill('SIGKILL')
      await pair.active.gone
    })
    await grid.cluster.restart(pair.active)
  }
  expect(await grid.audit()).toEqual(nothingFound)
})

test('while one of two readers lives, the archive answers', async () => {
  await using messaging = await openMessaging(grid.cluster.urls.nats)
  const [first] = grid.cluster.components.filter(({ settings }) => settings.role === 'data-reader')
  if (!first) throw new Error('there is no data reader')
  const key = 'crowd1-event-1'
  const ask = () => messaging.ask(subjects.archive('ticketing'), { cache: 'events', key })
  expect(await ask()).toMatchObject({ value: { eventId: key } })
  first.kill('SIGKILL')
  await first.gone
  // A request that was with the dead one is lost; whoever asks again is answered.
  for (let asked = 0; asked < 20; asked++)
    expect(await waitFor(ask, { what: 'an answer' })).toMatchObject({ value: { eventId: key } })
  await grid.cluster.restart(first)
})

async function openMessaging(natsUrl: string) {
  const messaging = await NatsMessaging.open(natsUrl, { name: 'test' })
  return {
    ask: async (subject: string, question: object): Promise<unknown> => {
      const data = Buffer.from(JSON.stringify(question))
      const answer = await messaging.request(subject, data, { timeoutMs: 1000 })
      return JSON.parse(Buffer.from(answer.data).toString())
    },
    [Symbol.asyncDispose]: () => messaging.close(),
  }
}
