import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { expect, test } from 'vitest'
import { writeProject } from './project.ts'

test('a project has its own name everywhere, and depends on this package only', async () => {
  const place = join(await temporaryFolder('init'), 'ticket-shop')
  const { name, folder, files } = await writeProject(place)
  expect({ name, folder }).toEqual({ name: 'ticket-shop', folder: place })
  const texts = new Map<string, string>()
  for (const file of files) texts.set(file, await readFile(join(folder, file), 'utf8'))
  for (const [file, text] of texts) expect(text, file).not.toContain('{{')
  expect(texts.get('space.ts')).toContain("defineSpace('ticketShop'")
  expect(texts.get('docker-compose.yml')).toContain('SPACES: ticketShop\n')
  expect(texts.get('docker-compose.yml')).toContain('name: ticket-shop\n')
  const roles = texts.get('docker-compose.yml')?.matchAll(/command: \[spacegrid, ([a-z-]+)\]/g)
  const names = [...(roles ?? [])].map(([, role]) => role)
  // Once as it is, once with ROLE=query.
  expect(names).toEqual(['unit', 'unit', 'data-pump', 'data-writer', 'data-reader'])
  const manifest = JSON.parse(texts.get('package.json') ?? '') as Record<string, object>
  expect(Object.keys(manifest.dependencies ?? {})).toEqual(['spacegrid'])
  expect(manifest).not.toHaveProperty('devDependencies')
  for (const file of ['space.ts', 'space.test.ts'])
    for (const [, from = ''] of texts.get(file)?.matchAll(/from '([^']+)'/g) ?? [])
      expect(from).toMatch(/^(?:spacegrid(?:\/testing)?|node:[a-z/]+|\.\/space\.ts)$/)
})

test.each(['Shop', 'shop_1', '-shop', 'shop-', 'grid', 'spacegrid', '7up', 'a'.repeat(65)])(
  '%s is no name of a project',
  async (name) => {
    const place = join(await temporaryFolder('init'), name)
    await expect(writeProject(place)).rejects.toMatchObject({
      message: expect.stringContaining('cannot be the name of a project'),
      exitCode: 2,
    })
  },
)

test('a folder that holds something, or is none, is left alone', async () => {
  const place = join(await temporaryFolder('init'), 'shop')
  await mkdir(place)
  await writeFile(join(place, 'notes.txt'), '')
  await expect(writeProject(place)).rejects.toMatchObject({
    message: expect.stringMatching(/is not empty \(notes\.txt\)/),
    exitCode: 2,
  })
  const file = join(await temporaryFolder('init'), 'shop')
  await writeFile(file, '')
  await expect(writeProject(file)).rejects.toMatchObject({ exitCode: 2 })
})
