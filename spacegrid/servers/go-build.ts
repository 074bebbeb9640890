import { execFile } from 'node:child_process'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Builds a Go program, named `MODULE@VERSION`, from its sources into a folder, and leaves nothing
 * else there.
 */
export async function buildWithGo(folder: string, source: string, program: string): Promise<void> {
  const building = join(folder, 'building')
  await mkdir(building)
  const options = { cwd: building }
  await run('go', ['mod', 'init', 'check'], options)
  await run('go', ['get', '-tool', source], options)
  await run('go', ['build', '-o', program, source.slice(0, source.lastIndexOf('@'))], options)
  await rename(join(building, program), join(folder, program))
  await rm(building, { recursive: true })
}
