import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { streams } from '@spacegrid/grid/engine/wire/subjects'
import { composeBinary } from '@spacegrid/proof/gateway/compose-binary'
import { type ComposeProject, composeProject } from '@spacegrid/proof/gateway/compose-project'
import { FaultGrid } from '@spacegrid/proof/support/fault-grid'
import { isGoInstalled } from '@spacegrid/proof/support/go-program'
import { goesOn } from '@spacegrid/proof/support/goes-on'
import { nothingFound } from '@spacegrid/proof/support/grid-audit'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { connect } from 'nats'
import { cacheFolder, environmentOf, findBinary } from 'spacegrid/servers/binary'
import { findFreePort } from 'spacegrid/servers/free-port'
import { reapWithThisProcess } from 'spacegrid/servers/reaper'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

const files = ['docker-compose.yml', 'docker-compose.r3.yml']
const names = ['nats', 'nats-2', 'nats-3']
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

/** A server of the compose file on this machine, where all containers have one address. */
interface Server {
  readonly name: string
  readonly port: number
  readonly healthUrl: string
  readonly process: ChildProcess
}

// Skipped: without Go what reads compose files cannot be built; said loudly above.
describe.skipIf(!isGoInstalled(process.env, 'the check of docker-compose.r3.yml'))(
  'docker-compose.r3.yml',
  () => {
    let project: ComposeProject
    let running: AsyncDisposableStack

    beforeAll(async () => {
      project = composeProject(await composeBinary(cacheFolder()), files)
    }, 600_000)

    beforeEach(() => {
      running = new AsyncDisposableStack()
    })

    afterEach(() => running.disposeAsync())

    it('tells every role of the three servers, and lets it wait for them', () => {
      const roles = Object.entries(project.services).filter(
        ([, { environment = {} }]) => 'NATS_URL' in environment,
      )
      expect(roles.map(([name]) => name)).toEqual(
        expect.arrayContaining(['processing-unit', 'query-unit', 'data-pump', 'data-writer']),
      )
      for (const [name, { environment = {}, depends_on = {} }] of roles) {
        expect(environment.NATS_URL, name).toBe(names.map((n) => `nats://${n}:4222`).join(','))
        expect(environment.STREAM_REPLICAS, name).toBe('3')
        for (const server of names)
          expect(depends_on[server], name).toMatchObject({ condition: 'service_healthy' })
      }
    })

    it('gives each server a disk of its own, and none that of the only one', () => {
      const disks = names.map((name) => project.services[name]?.volumes)
      expect(disks).toMatchObject([
        [{ source: 'log-1', target: '/data' }],
        [{ source: 'log-2', target: '/data' }],
        [{ source: 'log-3', target: '/data' }],
      ])
    })

    it('differs from server to server in name and disk only', () => {
      const [first, ...others] = names.map((name) => {
        const { environment, volumes, ...same } = project.services[name] ?? {}
        expect(environment).toEqual({ SERVER_NAME: name })
        return same
      })
      for (const other of others) expect(other).toEqual(first)
    })

    /** With its configuration and health check; only addresses and disk are this machine's. */
    async function start(name: string, routes: ReadonlyMap<string, number>): Promise<Server> {
      const nats = await findBinary('nats', (line) => process.stderr.write(`${line}\n`))
      const folder = await temporaryFolder(name)
      const route = (other: string) => `nats://127.0.0.1:${routes.get(other)}`
      const configuration = (project.configs.nats?.content ?? '')
        .replace(/nats:\/\/(nats[\d-]*):6222/g, (_, other: string) => route(other))
        .replace('store_dir: /data', `store_dir: ${JSON.stringify(folder)}`)
      const file = join(folder, 'nats.conf')
      await writeFile(file, configuration)
      const [port, monitorPort] = [await findFreePort(), await findFreePort()]
      const here = ['--addr', '127.0.0.1', '--port', port, '--http_port', monitorPort]
      const words = ['--config', file, ...here, '--cluster', route(name)].map(String)
      const { environment } = project.services[name] ?? {}
      const child = spawn(nats.path, words, {
        env: { ...environmentOf(nats), ...environment },
        stdio: 'ignore',
      })
      if (child.pid !== undefined) reapWithThisProcess(child.pid)
      running.defer(() => end(child))
      const health = project.services[name]?.healthcheck?.test.at(-1) ?? ''
      return { name, port, process: child, healthUrl: health.replace('8222', `${monitorPort}`) }
    }

    async function end(child: ChildProcess): Promise<void> {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    }

    const isHealthy = async ({ healthUrl }: Server) =>
      (await fetch(healthUrl).catch(() => undefined))?.ok === true

    // architecture.md, invariant 5
    it(`goes on when the log's leader is killed (SEED=${seed})`, { timeout: 120_000 }, async () => {
      const routes = new Map<string, number>()
      for (const name of names) routes.set(name, await findFreePort())
      const first = await start('nats', routes)
      const listening = async () => (await fetch(first.healthUrl).catch(() => undefined))?.status
      // Alone it is no cluster, and nobody is let in.
      await waitFor(async () => (await listening()) === 503, { what: 'the first to say so' })
      const others = await Promise.all(names.slice(1).map((name) => start(name, routes)))
      const servers = [first, ...others]
      for (const server of servers)
        await waitFor(() => isHealthy(server), { what: server.name, timeoutMs: 30_000 })
      const url = servers.map(({ port }) => `nats://127.0.0.1:${port}`).join(',')
      const { STREAM_REPLICAS = '' } = project.services['processing-unit']?.environment ?? {}
      const grid = await FaultGrid.start({ urls: { nats: url }, environment: { STREAM_REPLICAS } })
      running.defer(() => grid.stop())
      const crowd = await grid.crowd({ seed })
      await goesOn(crowd)
      const connection = await connect({ servers: url.split(',') })
      running.defer(() => connection.close())
      const { cluster } = await (await connection.jetstreamManager()).streams.info(
        streams.log('ticketing'),
      )
      expect(cluster?.replicas).toHaveLength(2)
      const leader = servers.find(({ name }) => name === cluster?.leader)
      await end(leader!.process)
      await goesOn(crowd)
      expect(await grid.audit()).toEqual(nothingFound)
    })
  },
)
