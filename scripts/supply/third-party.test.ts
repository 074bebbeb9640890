import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import {
  isAllowed,
  readLock,
  type ThirdParty,
  thirdPartyOf,
  thirdPartyPage,
  thirdPartyPath,
} from './third-party.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const nameOf = ({ name, version, license }: ThirdParty) => `${name}@${version}: ${license}`

describe('packages of others', () => {
  test('have licences that are allowed, all that come with an installation', async () => {
    const all = thirdPartyOf(await readLock(root))
    expect(all.length).toBeGreaterThan(100)
    expect(all.filter(({ license }) => !isAllowed(license)).map(nameOf)).toEqual([])
  })

  test('are on the page that is made of the lock file (npm run third-party)', async () => {
    const page = await readFile(`${root}${thirdPartyPath}`, 'utf8')
    expect(page).toBe(thirdPartyPage(thirdPartyOf(await readLock(root))))
  })

  test('are locked to one version and one content each', async () => {
    const { packages } = await readLock(root)
    const loose = Object.entries(packages).filter(([place, entry]) => {
      const { version, integrity, link } = entry as { integrity?: string } & typeof entry
      return place.includes('node_modules/') && !link && !(version && integrity)
    })
    expect(loose.map(([place]) => place)).toEqual([])
  })
})

test.each([
  ['MIT', true],
  ['(MIT AND Zlib)', true],
  ['(GPL-2.0 OR MIT)', true],
  ['MIT AND GPL-3.0', false],
  ['AGPL-3.0-only', false],
  ['SSPL-1.0', false],
  ['SEE LICENSE IN LICENSE.md', false],
  ['', false],
])('%s is allowed: %s', (license, allowed) => {
  expect(isAllowed(license)).toBe(allowed)
})

test('of a lock file what is for development, or our own, is no part of it', () => {
  const packages = {
    '': { version: '1.0.0' },
    grid: { version: '1.0.0' },
    'node_modules/@own/grid': { link: true },
    'node_modules/a': { version: '1.0.0', license: 'MIT' },
    'node_modules/b/node_modules/a': { version: '2.0.0', license: 'ISC', optional: true },
    'node_modules/test': { version: '1.0.0', license: 'GPL-3.0', dev: true },
  }
  expect(thirdPartyOf({ packages }).map(nameOf)).toEqual(['a@1.0.0: MIT', 'a@2.0.0: ISC'])
})
