import { fileURLToPath } from 'node:url'
import type { ComponentProcess } from 'spacegrid/cluster/component-process'
import { ProcessCluster } from 'spacegrid/cluster/process-cluster'
import { findFreePort } from 'spacegrid/servers/free-port'
import { expect, onTestFinished, test } from 'vitest'
import { componentStatus } from '../support/component-status.ts'
import { type Answer, PatientClient } from '../support/patient-client.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { waitFor } from '../support/wait-for.ts'

const heapMegabytes = 64
const blobBytes = 16 * 1024
const feeders = 8
/**
 * Refusals in a row after which the grid is full for certain: one that has seen garbage goes on by
 * itself.
 */
const refusalsMin = 40
const fullMsMax = 120_000

/** Three units, pump, writer and reader, none of which may hold more than a small heap. */
async function startGrid(): Promise<ProcessCluster> {
  const cluster = await ProcessCluster.start({
    units: 3,
    application: {
      files: [fileURLToPath(new URL('../support/blob-space.ts', import.meta.url))],
      spaces: ['blobs'],
    },
    dataDirectory: await temporaryFolder('memory'),
    port: await findFreePort(),
    serverPorts: 'free',
    environment: {
      NODE_ENV: 'production',
      NODE_OPTIONS: `--max-old-space-size=${heapMegabytes}`,
      TRIM_DELAY_MS: '1000',
    },
  })
  onTestFinished(() => cluster.stop())
  return cluster
}

class Feeder {
  /** Blobs that are there, oldest first. */
  readonly stored: string[] = []
  /** What commands were answered, other than 200. */
  readonly refusals = new Map<string, number>()
  readonly #client: PatientClient
  #number = 0

  constructor(client: PatientClient) {
    this.#client = client
  }

  /** Stores blobs until so many commands in a row have been refused. */
  async fill(): Promise<void> {
    const until = performance.now() + fullMsMax
    let inARow = 0
    const feed = async () => {
      while (inARow < refusalsMin) {
        if (performance.now() > until) throw new Error('the grid does not become full')
        inARow = (await this.store()).status === 507 ? inARow + 1 : 0
      }
    }
    await Promise.all(Array.from({ length: feeders }, feed))
  }

  async store(bytes = blobBytes): Promise<Answer> {
    const id = `blob-${this.#number++}`
    const answer = await this.#client.command('blobs', 'store', { id, bytes })
    if (answer.status === 200) this.stored.push(id)
    else {
      const code = answer.body.code ?? String(answer.status)
      this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1)
    }
    return answer
  }

  async remove(count: number): Promise<Answer> {
    return await this.#client.command('blobs', 'remove', { ids: this.stored.splice(0, count) })
  }
}

const whatEnded = ({ components }: ProcessCluster): string[] =>
  components.flatMap(({ ended, settings: { name } }) => (ended ? [`${name}: ${ended}`] : []))

async function crash(cluster: ProcessCluster, component: ComponentProcess): Promise<void> {
  component.kill('SIGKILL')
  await component.gone
  await cluster.restart(component)
}

// architecture.md, invariant 10: memory has a limit, and what happens at the limit is a documented
// error.
test('a grid in small heaps is fed until it is full: no process ends, reads go on, deletes make room, all of it comes back after a crash', {
  timeout: 240_000,
}, async () => {
  const cluster = await startGrid()
  const client = new PatientClient(cluster.urls.http)
  onTestFinished(() => client.close())
  const feeder = new Feeder(client)
  const read = (id: string) => client.query('blobs', 'size', { id })
  const countsAgree = async (components: readonly ComponentProcess[]) => {
    for (const { settings } of components) {
      const { entries } = await componentStatus(settings.adminPort, 'blobs')
      if (entries !== feeder.stored.length) return false
    }
    return true
  }

  await feeder.fill()
  expect([...feeder.refusals.keys()]).toEqual(['memory_full'])
  // It is the data that fills it, not what is on its way.
  expect(feeder.stored.length).toBeGreaterThan(400)
  expect(whatEnded(cluster)).toEqual([])
  const [oldest = ''] = feeder.stored
  expect((await read(oldest)).body.result).toEqual({
    bytes: blobBytes,
    count: feeder.stored.length,
  })
  // What one command may create has a limit of its own, however much room there is.
  expect((await feeder.store(50_000_000)).body.code).toBe('transaction_too_large')

  // Whoever held all of it before holds it again.
  const [unit] = cluster.units
  const pump = cluster.components.find(({ settings }) => settings.role === 'data-pump')
  for (const component of [unit, pump]) await crash(cluster, component as ComponentProcess)
  expect((await read(oldest)).body.result).toMatchObject({ count: feeder.stored.length })

  await waitFor(
    async () => {
      if (feeder.stored.length > 100) expect((await feeder.remove(50)).status).toBe(200)
      return (await feeder.store()).status === 200
    },
    { what: 'room for another blob', timeoutMs: 60_000 },
  )
  await feeder.fill()
  expect(whatEnded(cluster)).toEqual([])
  await waitFor(() => countsAgree(cluster.components), {
    what: 'every component to be where the units are',
    timeoutMs: 60_000,
  })
})
