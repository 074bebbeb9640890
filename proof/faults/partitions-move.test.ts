import { fileURLToPath } from 'node:url'
import type { PlacementStatus } from '@spacegrid/grid/engine/placement/placement-status'
import type { ComponentProcess } from 'spacegrid/cluster/component-process'
import { ProcessCluster } from 'spacegrid/cluster/process-cluster'
import { findFreePort } from 'spacegrid/servers/free-port'
import { expect, onTestFinished, test } from 'vitest'
import { CounterCrowd } from '../support/counter-crowd.ts'
import { PatientClient } from '../support/patient-client.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { waitFor } from '../support/wait-for.ts'

const partitions = 8
const counters = 16
const settledMsMax = 60_000

async function startGrid(): Promise<ProcessCluster> {
  const cluster = await ProcessCluster.start({
    units: 3,
    application: {
      files: [fileURLToPath(new URL('../support/divided-space.ts', import.meta.url))],
      spaces: ['divided'],
      partitions: { divided: partitions },
    },
    dataDirectory: await temporaryFolder('partitions'),
    port: await findFreePort(),
    serverPorts: 'free',
  })
  onTestFinished(() => cluster.stop())
  return cluster
}

async function placementOf({ settings }: ComponentProcess): Promise<PlacementStatus> {
  const response = await fetch(`http://127.0.0.1:${settings.adminPort}/status`)
  const { placement } = (await response.json()) as { placement: Record<string, PlacementStatus> }
  return placement.divided as PlacementStatus
}

/** Copies by unit, once exactly so many units keep everything that there should be. */
async function settled(asked: ComponentProcess, units: number): Promise<Map<string, Set<number>>> {
  let found: PlacementStatus | undefined
  await waitFor(
    async () => {
      found = await placementOf(asked)
      const { members, moving, scarce } = found
      const kept = members.reduce((sum, { ready }) => sum + ready.length, 0)
      const expected = Math.min(2, units) * partitions
      // Whoever has just come keeps nothing yet, and nothing moves: that is not the end of it.
      const isShared = members.every(({ ready }) => ready.length > expected / units - 2)
      const isWhole = moving === 0 && scarce.length === 0 && kept === expected
      return members.length === units && isShared && isWhole
    },
    { what: `${units} units to keep everything`, timeoutMs: settledMsMax },
  )
  const { members = [] } = found ?? {}
  return new Map(members.map(({ name, ready }) => [name, new Set(ready)]))
}

// partitions.md, section 6: nothing that was acknowledged is lost, whoever comes and goes
test('units are killed, added, frozen and stopped under load: each counter is what was said', async () => {
  const cluster = await startGrid()
  const [first, second, third] = cluster.units as [
    ComponentProcess,
    ComponentProcess,
    ComponentProcess,
  ]
  await settled(first, 3)
  const ids = Array.from({ length: counters }, (_, at) => `counter-${at}`)
  const crowd = new CounterCrowd(new PatientClient(cluster.urls.http, { answerMs: 5000 }), ids)
  await crowd.goesOn()

  second.kill('SIGKILL')
  await crowd.goesOn()
  const two = await settled(first, 2)

  const added = await cluster.restart(second)
  await crowd.goesOn()
  const three = await settled(first, 3)
  const its = three.get(added.settings.name)?.size ?? 0
  // Its share of 16 copies is five and a third; nothing has moved between the others.
  expect(its).toBeGreaterThanOrEqual(4)
  expect(its).toBeLessThanOrEqual(7)
  for (const [name, kept] of three)
    if (name !== added.settings.name)
      for (const partition of kept) expect(two.get(name)?.has(partition)).toBe(true)

  third.kill('SIGSTOP')
  await settled(first, 2)
  third.kill('SIGCONT')
  await settled(first, 3)
  await crowd.goesOn()

  await third.stop()
  await crowd.goesOn()
  await settled(first, 2)
  await crowd.end()

  expect(await crowd.differences()).toEqual([])
  const reader = new PatientClient(cluster.urls.http)
  const { body } = await reader.query('divided', 'entries', {}, { 'grid-consistency': 'latest' })
  expect(body.result).toEqual({ entries: counters })
}, 300_000)
