import { setTimeout as sleep } from 'node:timers/promises'
import type { ScalingStatus } from '@spacegrid/grid/engine/load/scaling-status'
import { PatientClient } from '@spacegrid/proof/support/patient-client'
import { repositoryApplication } from '@spacegrid/proof/support/repository-application'
import { spacegridCommand } from '@spacegrid/proof/support/spacegrid-command'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import type { ComponentProcess } from 'spacegrid/cluster/component-process'
import { ProcessCluster } from 'spacegrid/cluster/process-cluster'
import { findFreePort } from 'spacegrid/servers/free-port'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

const patienceMs = 90_000
const space = 'ticketing'

let cluster: ProcessCluster
let folder: string
let client: PatientClient
const working = new Set<Users>()

/** Users who all the time look at a seat map that takes a while, and hold a seat now and then. */
class Users {
  readonly failures: string[] = []
  held = 0
  #stopped = false
  readonly #all: Promise<unknown>

  constructor() {
    this.#all = Promise.all([...Array.from({ length: 16 }, () => this.#look()), this.#hold()])
    working.add(this)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    working.delete(this)
    await this.#all
  }

  async #look(): Promise<void> {
    while (!this.#stopped) await client.query(space, 'seatMap', { eventId: 'show' }).catch(() => 0)
  }

  async #hold(): Promise<void> {
    for (let buyer = 0; !this.#stopped; buyer++) {
      const input = { eventId: 'show', section: 'A', quantity: 1, customerId: `${buyer}` }
      const answer = await client.persist(space, 'holdBestAvailable', input, patienceMs)
      if (answer?.status === 200) this.held++
      else this.failures.push(`${answer?.status} ${answer?.body.code}`)
      await sleep(50)
    }
  }
}

async function scalingOf({ settings }: ComponentProcess): Promise<ScalingStatus> {
  const response = await fetch(`http://127.0.0.1:${settings.adminPort}/status`)
  return ((await response.json()) as { scaling: ScalingStatus }).scaling
}

/** Of those that answer: one that is paused does not. */
async function activeManager(): Promise<ComponentProcess> {
  return await waitFor(
    async () => {
      for (const manager of cluster.managers) {
        const scaling = await Promise.race([scalingOf(manager).catch(() => undefined), sleep(1000)])
        if (scaling?.active) return manager
      }
      return undefined
    },
    { what: 'a manager to work', timeoutMs: patienceMs },
  )
}

const unitsAre = (count: number) =>
  waitFor(
    async () => {
      const { ready, starting, wanted } = await scalingOf(await activeManager())
      return ready === count && starting === 0 && wanted === count && cluster.units.length === count
    },
    { what: `${count} units`, timeoutMs: patienceMs },
  )

beforeAll(async () => {
  folder = await temporaryFolder('elastic')
  cluster = await ProcessCluster.start({
    ...{
      units: 1,
      elastic: true,
      managers: 2,
      spares: 1,
      application: repositoryApplication(space),
    },
    ...{ dataDirectory: folder, port: await findFreePort(), serverPorts: 'free' },
    environment: { UNITS_MAX: '2', SCALE_IN_AFTER_MS: '4000', IDLE_CORES_MIN: '0' },
  })
  client = new PatientClient(cluster.urls.http)
  const sections = [{ section: 'A', rows: 100, seatsPerRow: 100, price: 10 }]
  const event = { eventId: 'show', name: 'Show', startsAt: '2030-01-01T20:00:00Z', sections }
  const made = await client.persist(space, 'createEvent', event, patienceMs)
  expect(made?.status).toBe(200)
}, 180_000)

afterEach(async () => {
  for (const users of working) await users.stop()
})

afterAll(async () => {
  await client?.close()
  await cluster?.stop()
})

test('one unit grows to two under load, and goes back in good order', async () => {
  const spare = await waitFor(() => cluster.components.find(({ isWarm }) => isWarm), {
    ...{ what: 'a spare to be warm', timeoutMs: patienceMs },
  })
  expect(spare.settings.role).toBe('spare')
  const answers = await fetch(`http://127.0.0.1:${spare.settings.adminPort}/health/ready`)
  expect([answers.status, await answers.text()]).toEqual([
    503,
    expect.stringContaining('it stands by as a spare'),
  ])
  const users = new Users()
  await unitsAre(2)
  const second = cluster.units[1] as ComponentProcess
  expect(second).toBe(spare)
  const before = users.held
  await waitFor(() => users.held > before, { what: 'a seat to be held' })
  await users.stop()
  await unitsAre(1)
  await second.gone
  expect(second.ended).toBe('exit code 0')
  expect(users.failures).toEqual([])
  const told = await spacegridCommand(['scaling', '--json'], {
    environment: { NATS_URL: cluster.urls.nats },
  })
  const [managed] = (JSON.parse(told.output) as { managed: { decisions: object[] }[] }).managed
  expect(managed).toMatchObject({ spaces: [space] })
  expect(managed?.decisions).toContainEqual(
    expect.objectContaining({ action: 'scale_out', from: 1, to: 2 }),
  )
  expect(managed?.decisions).toContainEqual(
    expect.objectContaining({ action: 'scale_in', cause: 'less_to_do', from: 2, to: 1 }),
  )
  const text = await spacegridCommand(['scaling'], { environment: { DATA_DIR: folder } })
  expect(text.output).toMatch(/ticketing: \d+\.\d\d unit hours/)
  expect(text.output).toMatch(/1 → 2 units: /)
}, 240_000)

test('a manager that is killed while a unit starts leaves one unit behind, and the next goes on', async () => {
  const first = await activeManager()
  const users = new Users()
  await waitFor(() => cluster.units.length === 2, { what: 'a unit', timeoutMs: patienceMs })
  first.kill('SIGKILL')
  await first.gone
  await unitsAre(2)
  expect((await activeManager()).settings.name).not.toBe(first.settings.name)
  expect(new Set(cluster.units.map(({ settings }) => settings.name)).size).toBe(2)
  await users.stop()
  await unitsAre(1)
  await cluster.restart(first)
}, 240_000)

test('a manager that was paused decides nothing when it goes on', async () => {
  const paused = await activeManager()
  paused.kill('SIGSTOP')
  const next = await waitFor(
    async () => {
      const active = await activeManager()
      return active === paused ? undefined : active
    },
    { what: 'the other manager to take over', timeoutMs: patienceMs },
  )
  paused.kill('SIGCONT')
  const back = await waitFor(
    async () => {
      const scaling = await scalingOf(paused)
      return scaling.holder === next.settings.name ? scaling : undefined
    },
    { what: 'the one that was paused to look', timeoutMs: patienceMs },
  )
  expect(back.active).toBe(false)
  expect((await scalingOf(next)).active).toBe(true)
  const users = new Users()
  await unitsAre(2)
  const { decisions } = await scalingOf(next)
  expect(decisions.at(-1)?.by).toBe(next.settings.name)
  await users.stop()
}, 240_000)
