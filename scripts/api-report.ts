import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildPackage } from './build-package.ts'
import { type ExtractedEntry, extractEntry } from './package/extracted-entry.ts'
import { referencePages } from './reference/reference-pages.ts'
import { entries } from './tidy/house.ts'

/**
 * The pages that are made of the built package, by their path from the root: what it promises,
 * declaration by declaration (`docs/api-report.md`), and the same for readers, with the comments
 * (`docs/reference`). A test says when they are not current, and a review sees them change.
 */
export async function apiPages(place: string): Promise<ReadonlyMap<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'spacegrid-api-'))
  try {
    const extracted = new Map<string, ExtractedEntry>()
    for (const [entry, source] of entries)
      extracted.set(entry, await extractEntry(place, source, folder))
    return new Map([
      ['docs/api-report.md', reportPage(extracted)],
      ...(await referencePages(extracted)),
    ])
  } finally {
    await rm(folder, { recursive: true })
  }
}

const head = `# The published API

Made by \`npm run api\` from the built package; not to be edited. What an entry does not export and only leads to
stands with the first one that does.
`

function reportPage(extracted: ReadonlyMap<string, ExtractedEntry>): string {
  const said = new Set<string>()
  const parts = [...extracted].map(
    ([entry, { report }]) => `## ${entry}\n\n${onlyNew(codeOf(report), said)}`,
  )
  return `${head}\n${parts.join('\n')}`
}

/** Leaves out what an entry only leads to and an earlier one has said. */
function onlyNew(report: string, said: Set<string>): string {
  const declarations = report.split('\n\n').filter((declaration) => {
    const text = declaration.replace(/^export /m, '')
    const isNew = !said.has(text)
    said.add(text)
    return isNew || text !== declaration || !declaration.startsWith('// @')
  })
  return declarations.join('\n\n')
}

function codeOf(report: string): string {
  const code = report.slice(report.indexOf('```ts'))
  // Whether something is documented is seen where it is declared.
  return code.replaceAll(/^\s*\/\/ \(undocumented\)\n/gm, '').replaceAll(' (undocumented)', '')
}

const root = fileURLToPath(new URL('..', import.meta.url))

if (import.meta.main) {
  const place = join(root, 'spacegrid/dist')
  await buildPackage(place)
  const pages = await apiPages(place)
  await rm(join(root, 'docs/reference'), { recursive: true, force: true })
  for (const [path, text] of pages) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
}
