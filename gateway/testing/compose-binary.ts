import { execFile, execFileSync } from 'node:child_process'
import { access, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { withFileLock } from '../../local/servers/file-lock.ts'

const run = promisify(execFile)

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
  const binary = join(folder, 'docker-compose')
  await withFileLock(`${folder}.lock`, async () => {
    if (await exists(binary)) return
    process.stderr.write(
      `Building docker compose ${version} with Go into ${folder}: once, some two minutes, 100 MB\n`,
    )
    const building = join(folder, 'building')
    await mkdir(building, { recursive: true })
    const module = 'github.com/docker/compose/v2/cmd'
    const options = { cwd: building }
    await run('go', ['mod', 'init', 'check'], options)
    await run('go', ['get', '-tool', `${module}@v${version}`], options)
    await run('go', ['build', '-o', 'docker-compose', module], options)
    await rename(join(building, 'docker-compose'), binary)
    await rm(building, { recursive: true })
  })
  return binary
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
