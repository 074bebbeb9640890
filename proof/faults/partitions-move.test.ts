import { fileURLToPath } from 'node:url'
import type { PlacementStatus } from '@spacegrid/grid/engine/placement/placement-status'
import type { ComponentProcess } from 'spacegrid/cluster/component-process'
import { ProcessCluster } from 'spacegrid/cluster/process-cluster'
import { findFreePort } from 'spacegrid/servers/free-port'
import { expect, onTestFinished, test } from 'vitest'
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

/** Adds to counters, one after the other each, until it is told to end. */
class Crowd {
  /** What the last acknowledged command has said of each counter. */
  readonly acknowledged = new Map<string, number>()
  readonly #client: PatientClient
  readonly #work: Promise<unknown>
  #ending = false

  constructor(url: string) {
    this.#client = new PatientClient(url, { answerMs: 5000 })
    const ids = Array.from({ length: counters }, (_, at) => `counter-${at}`)
    this.#work = Promise.all(ids.map((id) => this.#add(id)))
  }

  async #add(id: string): Promise<void> {
    while (!this.#ending) {
      const answer = await this.#client.persist('divided', 'add', { id }, settledMsMax)
      expect(answer?.status, JSON.stringify(answer?.body)).toBe(200)
      this.acknowledged.set(id, Number(answer?.body.result?.count))
    }
  }

  /** Every counter has been added to once more. */
  async goesOn(): Promise<void> {
    const before = new Map(this.acknowledged)
    const isFurther = (id: string) => (this.acknowledged.get(id) ?? 0) > (before.get(id) ?? 0)
    const ids = Array.from({ length: counters }, (_, at) => `counter-${at}`)
    await waitFor(() => ids.every(isFurther), {
      what: 'an answer for every counter',
      timeoutMs: settledMsMax,
    })
  }

  async end(): Promise<void> {
    this.#ending = true
    await this.#work
  }
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
  const crowd = new Crowd(cluster.urls.http)
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

  const reader = new PatientClient(cluster.urls.http)
  for (const [id, count] of crowd.acknowledged) {
    const { body } = await reader.query(
      'divided',
      'count',
      { id },
      { 'grid-consistency': 'latest' },
    )
    expect(body.result, id).toEqual({ count })
  }
  const { body } = await reader.query('divided', 'entries', {}, { 'grid-consistency': 'latest' })
  expect(body.result).toEqual({ entries: counters })
}, 300_000)
