import { fileURLToPath } from 'node:url'
import { BinaryUnavailable } from 'spacegrid/servers/binary'
import type { LocalServer } from 'spacegrid/servers/local-server'
import type { ServerName } from 'spacegrid/servers/server-name'
import type { TestProject } from 'vitest/node'
import './provided-context.ts'
import { startMongod, startNats, startRedis } from './test-servers.ts'

/** The servers that all test files of one run share, by name; and those that could not be had. */
interface SharedServers {
  running: LocalServer[]
  missing: BinaryUnavailable[]
}

/** One set for the whole run, whichever project asks first: each project loads this module anew. */
const shared = globalThis as { spacegridSharedServers?: Promise<SharedServers> }

/** Half of the work of a process that starts is compiling what the one before it compiled. */
const compiled = fileURLToPath(new URL('../../node_modules/.cache/compiled', import.meta.url))

/** Vitest's global setup for the projects that need real servers. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  process.env.NODE_COMPILE_CACHE ??= compiled
  shared.spacegridSharedServers ??= startAll()
  const { running, missing } = await shared.spacegridSharedServers
  const url = (name: ServerName) => running.find((server) => server.name === name)?.url ?? ''
  project.provide('natsUrl', url('nats'))
  project.provide('mongodbUrl', url('mongodb'))
  project.provide('redisUrl', url('redis'))
  const names = missing.map(({ server }) => server)
  project.provide('missingServers', names)
  // Every project's teardown comes after all tests; stopping twice is harmless.
  return async () => {
    await Promise.all(running.map((server) => server.stop()))
  }
}

async function startAll(): Promise<SharedServers> {
  const results = await Promise.allSettled([startNats(), startMongod(), startRedis()])
  const servers: SharedServers = { running: [], missing: [] }
  for (const result of results) {
    if (result.status === 'fulfilled') servers.running.push(result.value)
    else if (result.reason instanceof BinaryUnavailable) servers.missing.push(result.reason)
    else throw result.reason
  }
  if (servers.missing.length > 0) complain(servers.missing)
  return servers
}

/** Tests that do not run prove nothing: a person may do without them, CI may not. */
function complain(missing: BinaryUnavailable[]): void {
  const reasons = missing.map(({ message }) => message).join('\n\n')
  if (process.env.CI === 'true') throw new Error(`Servers that the tests need:\n${reasons}`)
  const line = '!'.repeat(100)
  const skipped = missing.map(({ server }) => server).join(', ')
  process.stderr.write(`${line}\nSKIPPING every test that needs ${skipped}:\n${reasons}\n${line}\n`)
}
