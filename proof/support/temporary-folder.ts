import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeWithThisProcess } from 'spacegrid/servers/reaper'

/** All that this process has made. */
export const temporaryFolders: string[] = []

/** A new empty folder, removed when this process ends, however it ends. */
export async function temporaryFolder(what = 'test'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `spacegrid-${what}-`))
  removeWithThisProcess(folder)
  temporaryFolders.push(folder)
  return folder
}
