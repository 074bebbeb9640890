import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { madeOnce } from 'spacegrid/servers/made-once'
import { isPythonInstalled } from './nats-py.ts'

const run = promisify(execFile)

/** A tool from the Python package index, with all that it needs. */
export interface PythonTool {
  /** `name==version`. */
  readonly requirement: string
  /** A file that its packages have once they are complete. */
  readonly product: string
  readonly megabytes: number
  /** What cannot be done without it. */
  readonly purpose: string
}

/**
 * A folder of packages with a tool, made once per machine in the cache folder; a set-up that was
 * interrupted begins anew.
 * @returns their folder, for PYTHONPATH; undefined when it cannot be had here, which CI does not
 * pass over
 */
export async function pythonPackages(
  { requirement, product, megabytes, purpose }: PythonTool,
  cache: string,
  host: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  if (!isPythonInstalled(host, purpose)) return undefined
  const folder = join(cache, `python-${requirement.replace('==', '-')}`)
  try {
    await mkdir(cache, { recursive: true })
    await madeOnce(folder, join('packages', product), async (staging) => {
      process.stderr.write(`Installing ${requirement} into ${folder}: once, ${megabytes} MB\n`)
      const pip = ['-m', 'pip', '--quiet', '--disable-pip-version-check', 'install']
      const target = ['--only-binary=:all:', '--target', join(staging, 'packages')]
      await run('python3', [...pip, ...target, requirement], { env: host })
    })
    return join(folder, 'packages')
  } catch (error) {
    if (host.CI === 'true') throw new Error(`The tests need ${requirement}`, { cause: error })
    process.stderr.write(`!!! SKIPPING ${purpose}: ${requirement} cannot be had: ${error}\n`)
    return undefined
  }
}
