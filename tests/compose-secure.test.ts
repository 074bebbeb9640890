import { spawn } from 'node:child_process'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NatsConnection } from '@spacegrid/grid/drivers/nats/nats-connection'
import { RedisConnection } from '@spacegrid/grid/drivers/redis/redis-connection'
import { composeBinary } from '@spacegrid/proof/gateway/compose-binary'
import { type ComposeProject, composeProject } from '@spacegrid/proof/gateway/compose-project'
import { isGoInstalled } from '@spacegrid/proof/support/go-program'
import { spacegridCommand } from '@spacegrid/proof/support/spacegrid-command'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { sharedWith } from 'spacegrid/keys/shares'
import { cacheFolder, environmentOf, findBinary } from 'spacegrid/servers/binary'
import { findFreePort } from 'spacegrid/servers/free-port'
import { reapWithThisProcess } from 'spacegrid/servers/reaper'
import type { ServerName } from 'spacegrid/servers/server-name'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const files = ['docker-compose.yml', 'docker-compose.secure.yml']

// Skipped: without Go what reads compose files cannot be built; said loudly above.
describe.skipIf(!isGoInstalled(process.env, 'the check of docker-compose.secure.yml'))(
  'docker-compose.secure.yml',
  () => {
    let project: ComposeProject
    /** What the service `keys` has made: a folder for each of the others. */
    let shared: string
    const running = new AsyncDisposableStack()

    beforeAll(async () => {
      const profiles = { COMPOSE_PROFILES: 'console,deployment-manager' }
      project = composeProject(await composeBinary(cacheFolder()), files, profiles)
      shared = await temporaryFolder('shared')
      const words = (project.services.keys?.command ?? []).slice(2)
      const here = words.map((word) =>
        word.startsWith('/keys') ? word.replace('/keys', shared) : word,
      )
      expect(await spacegridCommand(here)).toMatchObject({ code: 0, errors: '' })
    }, 600_000)

    afterAll(() => running.disposeAsync())

    it('gives each service what it names, and the keys of nobody else', async () => {
      expect(sharedWith.length).toBeGreaterThan(8)
      for (const name of sharedWith) {
        const service = project.services[name]
        if (!service) continue
        const text = JSON.stringify([service, name === 'nats' ? project.configs.nats : ''])
        const named = [...text.matchAll(/\/run\/keys\/([\w.-]+)/g)].map(([, file = '']) => file)
        const there = await readdir(join(shared, name))
        expect(there, name).toEqual(expect.arrayContaining(named))
        // What is there and nobody names would be for nothing.
        const unused = there.filter((file) => !named.includes(file) && file !== 'ca.pem')
        expect(unused, name).toEqual([])
        const mounted = service.volumes?.filter(({ target }) => target.startsWith('/run/keys'))
        expect(mounted, name).toMatchObject([{ source: `keys-${name}`, target: '/run/keys' }])
        expect(service.depends_on?.keys, name).toMatchObject({
          condition: 'service_completed_successfully',
        })
      }
    })

    it('lets nobody but their owner read them', async () => {
      for (const name of sharedWith)
        for (const file of await readdir(join(shared, name)))
          expect((await stat(join(shared, name, file))).mode & 0o777, `${name}/${file}`).toBe(0o400)
    })

    it('tells no secret in what an engine shows', async () => {
      const { services } = project
      const shown = JSON.stringify([services, project.configs])
      const all = join(shared, 'all')
      for (const file of await readdir(all)) {
        if (!/\.nk$|password$|keyfile$|token$|^api-key$/.test(file)) continue
        expect(shown, file).not.toContain((await readFile(join(all, file), 'utf8')).trim())
      }
      for (const { environment = {} } of Object.values(services))
        for (const url of [environment.NATS_URL, environment.MONGODB_URL, environment.REDIS_URL])
          expect(url ?? '').not.toMatch(/:[^/@]+@/)
    })

    /** Runs a server as the file has it; only addresses and folders are this machine's. */
    async function run(name: ServerName, words: readonly string[]): Promise<void> {
      const binary = await findBinary(name, () => undefined)
      const child = spawn(binary.path, words, { env: environmentOf(binary), stdio: 'ignore' })
      if (child.pid !== undefined) reapWithThisProcess(child.pid)
      running.defer(() => void child.kill('SIGKILL'))
    }

    it('starts a NATS that lets in who has a key, with TLS', async () => {
      const folder = await temporaryFolder('nats')
      const port = await findFreePort()
      const own = join(shared, 'nats')
      const configuration = (project.configs.nats?.content ?? '')
        // NATS takes what it includes from where its configuration is.
        .replace('../../run/keys/', '')
        .replaceAll('/run/keys', own)
        .replace('store_dir: /data', `store_dir: ${JSON.stringify(folder)}`)
        .replace('http: 8222', '')
        .replace('port: 4222', `listen: "127.0.0.1:${port}"`)
      const file = join(own, 'nats.conf')
      await writeFile(file, configuration)
      await run('nats', ['--config', file])
      const url = (project.services['processing-unit']?.environment?.NATS_URL ?? '')
        .replace('nats:4222', `127.0.0.1:${port}`)
        .replaceAll('/run/keys', join(shared, 'processing-unit'))
      const connection = await NatsConnection.open(url, { name: 'test' })
      expect(connection.driver.info?.tls_required).toBe(true)
      await connection.close()
      const without = url.replace(/nkeyFile=[^&]*&/, '')
      await expect(NatsConnection.open(without, { name: 'test' })).rejects.toMatchObject({
        message: 'NATS refuses the credentials',
      })
    })

    it('starts a Redis that wants a password, with TLS', async () => {
      const folder = await temporaryFolder('redis')
      const port = String(await findFreePort())
      const words = (project.services.redis?.command ?? [])
        .slice(1)
        .map((word) => word.replace('/run/keys', join(shared, 'redis')).replace(/^6379$/, port))
      await run('redis', [...words, '--dir', folder, '--bind', '127.0.0.1'])
      const url = (project.services['data-pump']?.environment?.REDIS_URL ?? '')
        .replace('redis:6379', `127.0.0.1:${port}`)
        .replaceAll('/run/keys', join(shared, 'data-pump'))
      const connection = new RedisConnection(url, { name: 'test', connectMs: 5000, silentMs: 5000 })
      const ping = () => connection.use('ping', (redis) => redis.ping()).catch(String)
      await waitFor(async () => (await ping()) === 'PONG', { what: 'an answer of Redis' })
      connection.close()
    })
  },
)
