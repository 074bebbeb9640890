import { FaultGrid } from '@spacegrid/test-support/fault-grid'
import { goesOn } from '@spacegrid/test-support/goes-on'
import { nothingFound } from '@spacegrid/test-support/grid-audit'
import { pairedRoles, pairOf, takesOver } from '@spacegrid/test-support/standby'
import { expect, test } from 'vitest'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
/** Longer than every timeout: NATS's pings 6 s, appends and requests 5 s, commands 10 s, MongoDB's patience 5 s. */
const pauseMs = 11_000

// architecture.md, section 5: "a unit is slow or paused: it leaves readiness; catches up or rehydrates"; invariants 5 and 6
test(`one of each kind, then every server, paused for longer than every timeout: the others go on, and those that wake do no harm (SEED=${seed})`, {
  timeout: 120_000,
}, async () => {
  await using grid = await FaultGrid.start({ copies: 2 })
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
