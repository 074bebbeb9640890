import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { environmentOf, findBinary } from 'spacegrid/servers/binary'
import { serverNames } from 'spacegrid/servers/server-name'
import type { BenchServers } from '../processes/bench-servers.ts'
import { hazelcastFiles } from './hazelcast-download.ts'

const run = promisify(execFile)
const drivers = ['nats', 'ioredis', 'mongodb', 'lmdb', 'lru-cache', 'fastify'] as const

/** What was running, and what spoke to it. Only servers of this run are named. */
export async function serverVersions(servers: BenchServers): Promise<Record<string, string>> {
  const versions: Record<string, string> = {}
  const started = new Set<string>(servers.started)
  if (started.has('natsDefaultSync')) started.add('nats')
  if (started.has('mongodbStandalone')) started.add('mongodb')
  for (const name of serverNames) {
    if (!started.has(name)) continue
    const binary = await findBinary(name, () => undefined)
    const { stdout } = await run(binary.path, ['--version'], { env: environmentOf(binary) })
    versions[name] = stdout.split('\n')[0] ?? ''
  }
  if (started.has('hazelcast')) {
    const { version, clientVersion } = await hazelcastFiles(() => undefined)
    versions.hazelcast = `${version}, client ${clientVersion}`
  }
  const require = createRequire(import.meta.url)
  for (const driver of drivers) versions[`${driver} (npm)`] = versionOf(require, driver)
  return versions
}

/**
 * Not every package lets its package.json be read by name, so it is looked for where the package
 * is.
 */
function versionOf(require: NodeJS.Require, driver: string): string {
  for (const folder of require.resolve.paths(driver) ?? [])
    try {
      return (require(`${folder}/${driver}/package.json`) as { version: string }).version
    } catch {
      // It is in the next one.
    }
  return 'unknown'
}
