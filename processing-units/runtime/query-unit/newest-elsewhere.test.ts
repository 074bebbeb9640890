import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { fateOf } from '@spacegrid/grid/kit/unit-world'
import { expect, test } from 'vitest'
import { NewestElsewhere } from './newest-elsewhere.ts'

/** A unit that takes commands, and answers when it is told to. */
async function asked(told: unknown = undefined) {
  const clock = new SimulatedClock()
  const messaging = new InProcessMessaging(clock)
  const open: ((position: unknown) => void)[] = []
  await messaging.serve({
    name: 'newest',
    version: '1.0.0',
    endpoints: [
      {
        subject: subjects.newest('shop'),
        respond: async () => {
          const position = told ?? (await new Promise((answer) => open.push(answer)))
          return { data: Buffer.from(JSON.stringify({ position })) }
        },
      },
    ],
  })
  const newest = new NewestElsewhere({ logName: 'shop', messaging }, clock, 2000)
  return { clock, newest, open }
}

test('who comes while one asks is answered by the next question, all of them by one', async () => {
  const { clock, newest, open } = await asked()
  const first = fateOf(newest.ask())
  await clock.advance(10)
  const later = [fateOf(newest.ask()), fateOf(newest.ask())]
  await clock.advance(10)
  expect(open).toHaveLength(1)
  open[0]?.(7)
  await clock.advance(10)
  expect(first.value).toBe(7)
  expect(later).toEqual([{}, {}])
  expect(open).toHaveLength(2)
  open[1]?.(9)
  await clock.advance(10)
  expect(later).toEqual([{ value: 9 }, { value: 9 }])
})

test('a question that is not answered fails those who have asked, and not the next', async () => {
  const { clock, newest, open } = await asked()
  const first = fateOf(newest.ask())
  await clock.advance(2100)
  expect(first.error).toMatchObject({ code: 'position_timeout' })
  const next = fateOf(newest.ask())
  await clock.advance(10)
  open.at(-1)?.(3)
  await clock.advance(10)
  expect(next.value).toBe(3)
})

test('an answer that says no position is none', async () => {
  const { clock, newest } = await asked('soon')
  const fate = fateOf(newest.ask())
  await clock.advance(10)
  expect(fate.error).toMatchObject({ code: 'record_damaged' })
})
