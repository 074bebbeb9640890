import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { expect, onTestFinished, test } from 'vitest'
import { FileWatch } from './file-watch.ts'

async function watched(isAnyFile = false) {
  const folder = await temporaryFolder('file-watch')
  const inside = join(folder, 'inside')
  await mkdir(inside)
  const [space, cache] = [join(folder, 'space.ts'), join(inside, 'cache.ts')]
  for (const file of [space, cache]) await writeFile(file, '')
  const changed: string[] = []
  const watch = new FileWatch((name) => changed.push(name))
  watch.follow([space, cache], isAnyFile)
  onTestFinished(() => watch.stop())
  /** What is told of comes in the order in which it was done. */
  const until = async (name: string) =>
    await waitFor(() => changed.at(-1) === name, { what: `${name}, not only ${changed}` })
  return { folder, inside, space, cache, changed, until }
}

test('a file that is written, or exchanged for another as editors do, is told', async () => {
  const { folder, space, cache, until } = await watched()
  await writeFile(cache, '1')
  await until('cache.ts')
  await writeFile(join(folder, 'space.ts.new'), '2')
  await rename(join(folder, 'space.ts.new'), space)
  await until('space.ts')
})

test('other files of the folder are not', async () => {
  const { folder, space, changed, until } = await watched()
  await writeFile(join(folder, 'notes.md'), '1')
  await writeFile(join(folder, 'other.ts'), '1')
  await writeFile(space, '1')
  await until('space.ts')
  expect(changed).not.toContain('other.ts')
})

test('where something is missing, any module that comes is told', async () => {
  const { inside, until } = await watched(true)
  await writeFile(join(inside, 'missing.ts'), '')
  await until('missing.ts')
})
