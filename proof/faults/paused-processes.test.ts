import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import type { ComponentProcess } from 'spacegrid/cluster/component-process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Archive } from '../support/archive.ts'
import { FaultGrid } from '../support/fault-grid.ts'
import { goesOn } from '../support/goes-on.ts'
import { nothingFound } from '../support/grid-audit.ts'
import { pairedRoles, pairOf, takesOver } from '../support/standby.ts'

/** Takeover takes less than two seconds; a busy machine gets more. */
const answerMsMax = 8000
/** Of each role, one after the other. */
const rounds = 2
/** Longest wait for the next instant. */
const instantMsMax = 700

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
/**
 * Longer than every timeout: NATS's pings 6 s, appends and requests 5 s, commands 10 s, MongoDB's
 * patience 5 s.
 */
const pauseMs = 11_000

let grid: FaultGrid
beforeAll(async () => {
  grid = await FaultGrid.start({ copies: 2 })
})
afterAll(() => grid.stop())

// architecture.md, section 5: "a unit is slow or paused: it leaves readiness; catches up or
// rehydrates"; invariants 5 and 6
test(`one of each kind, then every server, paused for longer than every timeout: the others go on, and those that wake do no harm (SEED=${seed})`, {
  timeout: 120_000,
}, async () => {
  const crowd = await grid.crowd({ seed })
  await goesOn(crowd)
  const pairs = await Promise.all(pairedRoles.map((role) => pairOf(grid, role)))
  const components = ['ticketing-1', 'data-reader'].map((name) => grid.component(name))
  const servers = [...grid.servers.values()]
  try {
    await Promise.all(
      // The second writer has nothing to take over before the second pump publishes.
      pairs.map((pair) => takesOver(pair, 'paused', () => pair.active.kill('SIGSTOP'), 10_000)),
    )
    for (const component of components) component.kill('SIGSTOP')
    // The other unit goes on.
    await goesOn(crowd)
    for (const server of servers) await server.pause()
    await new Promise((wake) => setTimeout(wake, pauseMs))
  } finally {
    for (const server of servers) await server.resume()
    for (const component of components) component.kill('SIGCONT')
    for (const { active } of pairs) active.kill('SIGCONT')
  }
  await Promise.all(components.map((component) => component.ready(60_000)))
  await goesOn(crowd)
  // Which of two works then is open; that only one does is not.
  await Promise.all(pairedRoles.map((role) => pairOf(grid, role)))
  expect(await grid.audit()).toEqual(nothingFound)
})

// "Two of each may run: one works, the other takes over."
test(`a pump, writer or reader frozen at a random instant under load: what it does is done by the other one (SEED=${seed})`, {
  timeout: 120_000,
}, async () => {
  await using archive = await Archive.open(grid.cluster.urls.nats)
  const random = new SeededRandom(seed)
  const crowd = await grid.crowd({ seed })
  await goesOn(crowd)
  const whileFrozen = async (component: ComponentProcess, ask: () => Promise<void>) => {
    await new Promise((wake) => setTimeout(wake, random.below(instantMsMax)))
    component.kill('SIGSTOP')
    const startedAt = performance.now()
    try {
      await ask()
    } finally {
      component.kill('SIGCONT')
    }
    const tookMs = Math.round(performance.now() - startedAt)
    process.stderr.write(`${component.settings.name} frozen: the answer took ${tookMs} ms\n`)
    expect(tookMs).toBeLessThan(answerMsMax)
    await component.ready(60_000)
  }
  for (let round = 0; round < rounds; round++) {
    // Persisted: published by a pump, and stored by a writer.
    for (const role of pairedRoles)
      await whileFrozen((await pairOf(grid, role)).active, async () => {
        await crowd.persistEvent()
      })
    const eventId = await crowd.persistEvent()
    const reader = grid.component(random.chance(0.5) ? 'data-reader' : 'data-reader-2')
    await whileFrozen(reader, async () => {
      expect(await archive.ask(eventId)).toMatchObject({ value: { eventId } })
    })
  }
  expect(await grid.audit()).toEqual(nothingFound)
})
