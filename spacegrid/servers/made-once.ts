import { randomUUID } from 'node:crypto'
import { access, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { withFileLock } from './file-lock.ts'

/**
 * A folder that is there in full or not at all, made by one process at a time, whatever is killed
 * at whatever moment: it is made beside its place and moved there at once. What those have left who
 * were interrupted is removed by the next one.
 *
 * @param product a file that the folder has once it is complete
 * @param make fills the new, empty folder that it is given
 */
export async function madeOnce(
  folder: string,
  product: string,
  make: (staging: string) => Promise<void>,
): Promise<void> {
  const isMade = () => exists(join(folder, product))
  if (await isMade()) return
  await withFileLock(`${folder}.lock`, async () => {
    if (await isMade()) return
    await removeLeftovers(folder)
    const staging = `${folder}.${randomUUID()}`
    try {
      await mkdir(staging)
      await make(staging)
      await rename(staging, folder)
    } finally {
      await rm(staging, { recursive: true, force: true })
    }
  })
}

/**
 * Nobody else works here now, unless as the child of one who was killed: hence a new name each
 * time, and no insisting.
 */
async function removeLeftovers(folder: string): Promise<void> {
  const name = basename(folder)
  for (const entry of await readdir(dirname(folder))) {
    const rest = entry.startsWith(`${name}.`) ? entry.slice(name.length + 1) : undefined
    if (rest === undefined || !/^[\da-f]{8}-[\da-f-]{27}$/.test(rest)) continue
    await rm(join(dirname(folder), entry), { recursive: true, force: true }).catch(() => undefined)
  }
  // Earlier versions built in the place itself.
  await rm(folder, { recursive: true, force: true })
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  )
