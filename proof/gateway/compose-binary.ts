import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { madeOnce } from 'spacegrid/servers/made-once'

const run = promisify(execFile)
const sources = join(import.meta.dirname, 'compose-model')

/** Whether Go is installed. A person may do without the check of docker-compose.yml, CI may not. */
export function isGoInstalled(host: NodeJS.ProcessEnv): boolean {
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' })
    return true
  } catch (error) {
    if (host.CI === 'true')
      throw new Error('The tests need Go to build what reads compose files', { cause: error })
    process.stderr.write('!!! SKIPPING the check of docker-compose.yml: go is not installed\n')
    return false
  }
}

/**
 * What reads a compose file as docker compose does, with the same library, and prints the model as
 * JSON; it needs no Docker engine. Built from sources, since Go's module proxy is reachable in more
 * places than Docker's downloads are; Go checks what it fetches against `go.sum`. Once per machine:
 * it takes about half a minute and is kept in the cache folder.
 */
export async function composeBinary(cache: string): Promise<string> {
  const hash = createHash('sha256')
  for (const file of ['main.go', 'go.mod', 'go.sum'])
    hash.update(await readFile(join(sources, file)))
  const version = hash.digest('hex').slice(0, 12)
  const folder = join(cache, `compose-model-${version}-${process.platform}-${process.arch}`)
  await madeOnce(folder, 'compose-model', async (staging) => {
    process.stderr.write(
      `Building the reader of compose files with Go into ${folder}: once, about half a minute, 7 MB\n`,
    )
    const program = join(staging, 'compose-model')
    // Without cgo, so that no C compiler is needed.
    const env = { ...process.env, CGO_ENABLED: '0' }
    await run('go', ['build', '-o', program, '.'], { cwd: sources, env })
  })
  return join(folder, 'compose-model')
}
