import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Block, blocksOf, blocksOfPage, readerPages } from './docs-blocks.ts'
import { entries } from './tidy/house.ts'

/*
 * Every block of code that a reader finds is checked by somebody: `ts` by the compiler here, all
 * others by the test that the comment before them names, or nobody, for the reason that the comment
 * gives.
 */

const root = fileURLToPath(new URL('..', import.meta.url))
const pages = await readerPages()
const blocks = (await Promise.all(pages.map(blocksOfPage))).flat()

/** Made from the compiler's own declarations; a test of the package says when it is not current. */
const made = new Set(['docs/api-report.md'])
/** Pictures and formats: no code. */
const shown = new Set(['text', 'json'])

const runBy = /^(?:run|compared|checked) by (\S+\.test\.ts)\b/
const notRun = /^not (?:run|checked): \S.{9,}$/

function faultOf({ page, language, note }: Block): string | undefined {
  if (made.has(page)) return undefined
  const [, file] = runBy.exec(note ?? '') ?? []
  if (file !== undefined) return existsSync(join(root, file)) ? undefined : `there is no ${file}`
  if (note !== undefined && notRun.test(note)) {
    const gone = (note.match(/\S+\.test\.ts/g) ?? []).find(
      (named) => !existsSync(join(root, named)),
    )
    return gone === undefined ? undefined : `there is no ${gone}`
  }
  if (language === 'ts' || shown.has(language)) return undefined
  return 'nobody checks it: <!-- run by tests/….test.ts --> or <!-- not run: reason --> stands before it'
}

describe('a block of code', () => {
  test('is checked by somebody, or says why it is not', () => {
    expect(blocks.length).toBeGreaterThan(30)
    const faults = blocks.flatMap((block) => {
      const fault = faultOf(block)
      return fault === undefined ? [] : [`${block.page}:${block.line}: ${fault}`]
    })
    expect(faults).toEqual([])
  })

  test('that says a test runs it is known to that test', async () => {
    for (const { page, line, note } of blocks) {
      const [, file] = runBy.exec(note ?? '') ?? []
      if (file === undefined) continue
      const source = await readFile(join(root, file), 'utf8')
      expect(source, `${page}:${line}: ${file} does not read the page`).toContain(page)
    }
  })

  test('nobody checks is found, and so is a test that is not there', () => {
    const page = [
      '```sh',
      'rm -rf /',
      '```',
      '<!-- run by tests/none.test.ts -->',
      '```sh',
      '```',
      '<!-- not run: -->',
      '```sh',
      '```',
    ]
    expect(blocksOf('page.md', page.join('\n')).map(faultOf)).toEqual([
      expect.stringContaining('nobody checks it'),
      'there is no tests/none.test.ts',
      expect.stringContaining('nobody checks it'),
    ])
  })
})

const checkedHere = blocks.filter(
  ({ page, language, note }) =>
    language === 'ts' && !made.has(page) && !notRun.test(note ?? '') && !runBy.test(note ?? ''),
)
const nameIn = /^\/\/ ([\w-]+(?:\.test)?\.ts)\b/

const checkedPages = [...new Set(checkedHere.map(({ page }) => page))]

describe('TypeScript', () => {
  // All of them at once: nearly all that a compiler does for one page is done for the packages that
  // every page imports.
  let said: readonly string[]
  beforeAll(async () => {
    said = await compilePages()
  })

  test.each(checkedPages)('of %s compiles', (page) => {
    expect(said.filter((line) => line.startsWith(`${folderOf(page)}/`))).toEqual([])
  })

  test('is all that the compiler speaks of', () => {
    const folders = checkedPages.map((page) => `${folderOf(page)}/`)
    expect(said.filter((line) => !folders.some((folder) => line.startsWith(folder)))).toEqual([])
  })

  test('imports what the package publishes, and nothing else of the house', () => {
    for (const { page, line, text } of checkedHere) {
      if (page === 'CONTRIBUTING.md') continue
      const own = [...text.matchAll(/from '((?:@spacegrid\/|spacegrid)[^']*)'/g)]
      for (const [, specifier = ''] of own)
        expect([...entries.keys()], `${page}:${line}`).toContain(specifier)
    }
  })
})

const folderOf = (page: string): string => page.replaceAll('/', '-')

/** What the compiler says: an error each, with `FOLDER/` of its page before it. */
async function compilePages(): Promise<readonly string[]> {
  // Outside of the repository's own settings, inside of its packages.
  const folder = await mkdtemp(join(tmpdir(), 'spacegrid-docs-'))
  try {
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    for (const page of checkedPages) await mkdir(join(folder, folderOf(page)))
    const names = await namesOf()
    for (const { page, text, line } of checkedHere) {
      const name = nameIn.exec(text)?.[1] ?? `line-${line}.ts`
      // Names that the page does not import are those of the entry that it speaks of; a module in
      // any case.
      const own = /^import /m.test(text) ? '' : `import { ${names} } from 'spacegrid'\n`
      await writeFile(join(folder, folderOf(page), name), `${text}${own}export {}\n`)
    }
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    const { compilerOptions } = JSON.parse(await readFile(join(root, 'tsconfig.json'), 'utf8'))
    const options = { ...compilerOptions, typeRoots: [join(root, 'node_modules/@types')] }
    const settings = { compilerOptions: options, include: ['*/*.ts'], exclude: ['node_modules'] }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings))
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    const program = [compiler, '-p', folder, '--pretty', 'false']
    return await promisify(execFile)(process.execPath, program, { cwd: folder }).then(
      () => [],
      ({ stdout }: { stdout: string }) => stdout.split(/\n(?=\S)/).filter((line) => line !== ''),
    )
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function namesOf(): Promise<string> {
  const source = await readFile(join(root, 'spacegrid/index.ts'), 'utf8')
  const [, names = ''] =
    /export \{([^}]*)\} from '@spacegrid\/grid\/core\/define'/.exec(source) ?? []
  return names.trim().replace(/,$/, '')
}

describe('a command that a page names', async () => {
  const table = await readFile(join(root, 'spacegrid/command-line/spacegrid.ts'), 'utf8')
  const commands = [...table.matchAll(/\bname: '([\w-]+)'/g)].map(([, name]) => name)
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  // A decision tells what was; `spacegrid COMMAND` stands for any.
  const present = pages.filter((page) => !page.startsWith('docs/decisions/'))

  test.each(present.filter((page) => page !== 'CHANGELOG.md'))('exists: %s', async (page) => {
    const text = await readFile(join(root, page), 'utf8')
    const called = [...text.matchAll(/npx spacegrid ([a-z][\w-]*)/g)].map(([, name]) => name)
    expect(called.filter((name) => !commands.includes(name))).toEqual([])
    const run = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name)
    // Scripts of the project that `spacegrid init` makes.
    const made = ['dev']
    expect(run.filter((name) => !(name in scripts) && !made.includes(name))).toEqual([])
  })
})

describe('what a page leads to is there', () => {
  test.each(pages)('links of %s', async (page) => {
    const text = (await readFile(join(root, page), 'utf8')).replaceAll(/```.*?```|`[^`\n]*`/gs, '')
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)]
    const gone = links.filter(([, path = '']) => !existsSync(join(root, dirname(page), path)))
    expect(gone.map(([link]) => link)).toEqual([])
  })

  test('files and folders that docs/architecture.md names', async () => {
    const text = await readFile(join(root, 'docs/architecture.md'), 'utf8')
    const named = [...text.matchAll(/`([\w./-]+(?:\.ts|\/))`/g)].map(([, path = '']) => path)
    expect(named.length).toBeGreaterThan(30)
    // A name alone stands for a file of the folder named before it.
    const paths = named.filter((path) => /^[\w-]+\/./.test(path) || path.endsWith('/'))
    const rooms = ['', 'grid', 'grid/doors', 'grid/core', 'grid/engine']
    const isThere = (path: string) => rooms.some((room) => existsSync(join(root, room, path)))
    expect(paths.filter((path) => !isThere(path))).toEqual([])
  })
})
