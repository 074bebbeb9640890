import { join } from 'node:path'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { GridClient } from 'spacegrid/client'
import { expect, test } from 'vitest'
import { FaultGrid } from '../support/fault-grid.ts'
import { waitFor } from '../support/wait-for.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const kills = 3
const callers = 4
const keys = 12
const space = 'counting'

/** What was told of a counter, and what it was answered to have come to. */
interface Counter {
  readonly told: number[]
  counted: number
}

// docs/live.md, "Coming back": no unit that is there remembers, and the change queue has no entries
// but the last of each: what was before is in the log.
test(`whoever follows changes in a divided space goes on without a gap while all units are killed again and again (SEED=${seed})`, {
  timeout: 300_000,
}, async () => {
  await using grid = await FaultGrid.start({
    application: {
      files: [join(import.meta.dirname, 'counting-space.ts')],
      spaces: [space],
      partitions: { [space]: 4 },
    },
    units: 2,
    environment: { PAST_MS: '600000' },
  })
  const counters = new Map<string, Counter>(
    Array.from({ length: keys }, (_, at) => [`counter ${at}`, { told: [], counted: 0 }]),
  )
  const toldInAll = () => [...counters.values()].reduce((sum, { told }) => sum + told.length, 0)
  const resets: unknown[] = []
  const ending = new AbortController()
  const client = new GridClient(grid.cluster.urls.http)
  const following = (async () => {
    const { signal } = ending
    for await (const event of client.events(space, { events: [], cache: 'counters', signal })) {
      if (event.kind === 'reset') resets.push(event)
      if (event.kind === 'entry') counters.get(event.key)?.told.push(Number(event.value?.count))
    }
  })()
  following.catch(() => undefined)

  let isOver = false
  const patient = grid.client()
  const callOften = async (random: SeededRandom) => {
    while (!isOver) {
      const id = `counter ${random.below(keys)}`
      const answer = await patient.persist(space, 'count', { id }, 60_000)
      if (answer?.status !== 200) throw new Error(`not counted: ${JSON.stringify(answer?.body)}`)
      const counter = counters.get(id) as Counter
      counter.counted = Math.max(counter.counted, Number(answer.body.result?.count))
    }
  }
  const calling = Promise.all(
    Array.from({ length: callers }, (_, at) => callOften(new SeededRandom(seed + at))),
  )
  calling.catch(() => undefined)

  for (let kill = 0; kill < kills; kill++) {
    const before = toldInAll()
    await waitFor(() => toldInAll() > before + 60, {
      what: 'changes between two kills',
      timeoutMs: 60_000,
    })
    const { units } = grid.cluster
    for (const unit of units) unit.kill('SIGKILL')
    await Promise.all(units.map((unit) => unit.gone))
    await Promise.all(units.map((unit) => grid.cluster.restart(unit)))
  }
  isOver = true
  await calling
  const isTold = () =>
    [...counters.values()].every(({ told, counted }) => (told.at(-1) ?? 0) >= counted)
  await waitFor(isTold, { what: 'the last change of each counter', timeoutMs: 60_000 })
  ending.abort()
  await client.stop()
  await patient.close()
  expect(resets).toEqual([])
  for (const [id, { told }] of counters) {
    const [first = 1] = told
    const wanted = Array.from({ length: told.length }, (_, at) => first + at)
    expect(told, id).toEqual(wanted)
  }
})
