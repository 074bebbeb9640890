import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface KeptFolderOptions {
  /** Part of its name. */
  readonly what: string
  /** Keep it also when all is well. */
  readonly keep: boolean
  /** Told where it is, if it is kept. */
  readonly say: (line: string) => void
}

/**
 * Runs in a new folder, for data and logs, which is kept unless all was well.
 * @param run says whether all was well
 * @returns the same
 */
export async function inKeptFolder(
  { what, keep, say }: KeptFolderOptions,
  run: (folder: string) => Promise<boolean>,
): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), `spacegrid-${what}-`))
  let isGood = false
  try {
    isGood = await run(folder)
  } finally {
    if (isGood && !keep) await rm(folder, { recursive: true })
    else say(`Data and logs: ${folder}`)
  }
  return isGood
}
