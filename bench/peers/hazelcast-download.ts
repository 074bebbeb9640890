import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from 'spacegrid/servers/binary'
import { madeOnce } from 'spacegrid/servers/made-once'

const run = promisify(execFile)

const version = '5.5.0'
const jarName = `hazelcast-${version}.jar`
const jarSha256 = 'cf560b40b988526e780e4fae12cb6fe01c5158bb9e00839882857f32b544a19e'
/** The client and what it needs: its name is resolved, these make sure of what comes. */
const clientVersion = '5.6.0'
const clientIntegrity =
  'sha512-8IU1Ef5SEfy67pgDSD5wYcWFQp7Y4bYZ1bEzuDGMpjG2BdGq+as1NrENymUPMMPKiOV9dE2q45i2NNE8GjJQUg=='

export interface HazelcastFiles {
  readonly jar: string
  /** Module of the client. */
  readonly client: string
  readonly version: string
  readonly clientVersion: string
}

/**
 * Hazelcast's server (from Maven's central repository) and its Node client (from npm), kept beside
 * the other servers' programs. Only the benchmarks need them, so they are no dependency of the
 * project.
 *
 * @throws Error saying what to install when Maven or a registry is missing
 */
export async function hazelcastFiles(say: (line: string) => void): Promise<HazelcastFiles> {
  const folder = join(cacheFolder(), `hazelcast-${version}-client-${clientVersion}`)
  await madeOnce(folder, jarName, async (staging) => {
    say(`Fetching ${jarName} with mvn and hazelcast-client with npm (22 MB) into ${folder}`)
    await fetchInto(staging)
  })
  return {
    version,
    clientVersion,
    jar: join(folder, jarName),
    client: join(folder, 'node_modules/hazelcast-client/lib/index.js'),
  }
}

async function fetchInto(folder: string): Promise<void> {
  const artifact = `-Dartifact=com.hazelcast:hazelcast:${version}`
  const goal = ['--batch-mode', '--quiet', 'dependency:copy', artifact]
  await tool('mvn', [...goal, `-DoutputDirectory=${folder}`], folder)
  const sum = createHash('sha256')
    .update(await readFile(join(folder, jarName)))
    .digest('hex')
  if (sum !== jarSha256) throw new Error(`${jarName} has the checksum ${sum}, not ${jarSha256}`)
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n')
  const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--save-exact']
  await tool('npm', [...install, `hazelcast-client@${clientVersion}`], folder)
  const lock = JSON.parse(await readFile(join(folder, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { integrity?: string }>
  }
  const { integrity } = lock.packages['node_modules/hazelcast-client'] ?? {}
  if (integrity !== clientIntegrity)
    throw new Error(`hazelcast-client has the integrity ${integrity}, not ${clientIntegrity}`)
}

async function tool(program: string, parameters: string[], cwd: string): Promise<void> {
  try {
    await run(program, parameters, { cwd })
  } catch (error) {
    const { code, stderr, stdout } = error as { code?: string; stderr?: string; stdout?: string }
    const why = code === 'ENOENT' ? `install ${program}` : `${stderr}${stdout}`.trim().slice(0, 300)
    throw new Error(`${program} could not fetch Hazelcast: ${why}`, { cause: error })
  }
}
