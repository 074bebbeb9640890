import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { buildWithGo } from '../../local/servers/go-build.ts'
import { madeOnce } from '../../local/servers/made-once.ts'

const version = '2.40.3'

/** Whether Go is installed. A person may do without the check of docker-compose.yml, CI may not. */
export function isGoInstalled(host: NodeJS.ProcessEnv): boolean {
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' })
    return true
  } catch (error) {
    if (host.CI === 'true')
      throw new Error('The tests need Go to build docker compose', { cause: error })
    process.stderr.write('!!! SKIPPING the check of docker-compose.yml: go is not installed\n')
    return false
  }
}

/**
 * Docker compose itself, which checks a file without any Docker engine. Built from its sources, since Go's module proxy is reachable
 * in more places than Docker's downloads are; Go checks what it fetches against its checksum database. Once per machine:
 * it takes about two minutes and is kept in the cache folder.
 */
export async function composeBinary(cache: string): Promise<string> {
  const folder = join(cache, `docker-compose-${version}-${process.platform}-${process.arch}`)
  await madeOnce(folder, 'docker-compose', async (staging) => {
    process.stderr.write(
      `Building docker compose ${version} with Go into ${folder}: once, some two minutes, 100 MB\n`,
    )
    const module = 'github.com/docker/compose/v2/cmd'
    await buildWithGo(staging, `${module}@v${version}`, 'docker-compose')
  })
  return join(folder, 'docker-compose')
}
