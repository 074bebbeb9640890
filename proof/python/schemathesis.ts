import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { madeOnce } from 'spacegrid/servers/made-once'
import { isPythonInstalled } from './nats-py.ts'

const run = promisify(execFile)
const schemathesis = 'schemathesis==4.32.5'

/**
 * A folder of packages with Schemathesis, made once per machine in the cache folder.
 * @returns their folder, for PYTHONPATH; undefined when it cannot be had here, which CI does not
 * pass over
 */
export async function packagesWithSchemathesis(
  cache: string,
  host: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  if (!isPythonInstalled(host, 'Schemathesis')) return undefined
  const folder = join(cache, `python-${schemathesis.replace('==', '-')}`)
  try {
    await mkdir(cache, { recursive: true })
    await madeOnce(folder, 'packages/schemathesis/__init__.py', async (staging) => {
      process.stderr.write(`Installing ${schemathesis} into ${folder}: once, 60 MB\n`)
      const pip = ['-m', 'pip', '--quiet', '--disable-pip-version-check', 'install']
      const target = ['--only-binary=:all:', '--target', join(staging, 'packages')]
      await run('python3', [...pip, ...target, schemathesis], { env: host })
    })
    return join(folder, 'packages')
  } catch (error) {
    if (host.CI === 'true') throw new Error(`The tests need ${schemathesis}`, { cause: error })
    process.stderr.write(`!!! SKIPPING Schemathesis: ${schemathesis} cannot be had: ${error}\n`)
    return undefined
  }
}
