import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { madeOnce } from 'spacegrid/servers/made-once'

const run = promisify(execFile)

/**
 * Whether Go is installed. A person may do without what it is needed for, CI may not.
 *
 * @param purpose what cannot be done without it: `the check of docker-compose.yml`
 */
export function isGoInstalled(host: NodeJS.ProcessEnv, purpose: string): boolean {
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' })
    return true
  } catch (error) {
    if (host.CI === 'true') throw new Error(`The tests need Go for ${purpose}`, { cause: error })
    process.stderr.write(`!!! SKIPPING ${purpose}: go is not installed\n`)
    return false
  }
}

/**
 * A program in Go of this repository: a folder with `main.go`, `go.mod` and `go.sum`. Built from
 * sources, since Go's module proxy is reachable in more places than other downloads are; Go checks
 * what it fetches against `go.sum`. Once per machine and source: it is kept in the cache folder.
 *
 * @param costs told before it is built: `about half a minute, 7 MB`
 * @returns path of the program
 */
export async function goProgram(
  sources: string,
  name: string,
  cache: string,
  costs: string,
): Promise<string> {
  const hash = createHash('sha256')
  for (const file of ['main.go', 'go.mod', 'go.sum'])
    hash.update(await readFile(join(sources, file)))
  const version = hash.digest('hex').slice(0, 12)
  const folder = join(cache, `${name}-${version}-${process.platform}-${process.arch}`)
  await madeOnce(folder, name, async (staging) => {
    process.stderr.write(`Building ${name} with Go into ${folder}: once, ${costs}\n`)
    const program = join(staging, name)
    // Without cgo, so that no C compiler is needed.
    const env = { ...process.env, CGO_ENABLED: '0' }
    await run('go', ['build', '-o', program, '.'], { cwd: sources, env })
  })
  return join(folder, name)
}
