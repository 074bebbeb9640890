import { readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Declared, ExtractedEntry } from '../package/extracted-entry.ts'
import { entries } from '../tidy/house.ts'
import { commentText, firstSentence } from './comment-text.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = 'docs/reference'

const words: Readonly<Record<string, string>> = {
  Class: 'class',
  Function: 'function',
  Interface: 'interface',
  Namespace: 'namespace',
  TypeAlias: 'type',
  Variable: 'value',
}

/**
 * The reference: a page for each entry of the package, with every declaration and its comment, and
 * a page that lists them. What two entries have stands on the page of the first.
 *
 * @returns the text of each page, by its path from the root
 */
export async function referencePages(
  extracted: ReadonlyMap<string, ExtractedEntry>,
): Promise<Map<string, string>> {
  const pages = new Map<string, string>()
  /** Where a declaration stands already. */
  const placed = new Map<string, string>()
  const rows: string[] = []
  for (const [entry, { declared }] of extracted) {
    const page = `${entry.replaceAll('/', '-')}.md`
    const about = await aboutEntry(entry)
    const own = declared.filter((it) => !placed.has(identityOf(it)))
    const others = declared.filter((it) => placed.has(identityOf(it)) && !isLedTo(it))
    for (const it of own) placed.set(identityOf(it), page)
    const parts = [
      `# ${entry}`,
      made,
      about,
      ...own.map(declarationText),
      ...(others.length === 0 ? [] : [elsewhere(others, placed)]),
    ]
    pages.set(posix.join(folder, page), `${parts.filter((part) => part !== '').join('\n\n')}\n`)
    rows.push(`| [\`${entry}\`](${page}) | ${firstSentence(about).replaceAll('|', '\\|')} |`)
  }
  const index = ['# Reference', made, `| entry | |\n| --- | --- |\n${rows.join('\n')}`]
  pages.set(posix.join(folder, 'README.md'), `${index.join('\n\n')}\n`)
  return pages
}

const made = 'Made by `npm run api` from the built package and its comments; not to be edited.'

/** The comment that the entry's file begins with. */
async function aboutEntry(entry: string): Promise<string> {
  const source = await readFile(join(root, entries.get(entry) ?? ''), 'utf8')
  const [comment = ''] = /^\/\*\*.*?\*\//s.exec(source) ?? []
  return commentText(comment)
}

/**
 * Two entries that have one thing have the same text of it, whether they export it or only lead to
 * it.
 */
const identityOf = (it: Declared): string => `${it.kind} ${it.name} ${signatureOf(it)}`

/** What an entry does not export and only leads to has this in its reference. */
const isLedTo = ({ canonicalReference }: Declared): boolean => canonicalReference.includes('!~')

const signatureOf = ({ excerptTokens = [] }: Declared): string =>
  excerptTokens
    .map(({ text }) => text)
    .join('')
    .replace(/^export (?:declare )?/, '')
    .trim()

function elsewhere(others: readonly Declared[], placed: ReadonlyMap<string, string>): string {
  const names = others.map((it) => {
    const page = placed.get(identityOf(it)) ?? ''
    return `[\`${it.name}\`](${page}#${(it.name ?? '').toLowerCase()})`
  })
  return `## Also here\n\n${[...new Set(names)].join(', ')}`
}

function declarationText(it: Declared): string {
  const parts = [
    `## ${it.name}`,
    `*${words[it.kind] ?? it.kind.toLowerCase()}${isLedTo(it) ? ', not exported by this entry' : ''}*`,
    `\`\`\`ts\n${signatureOf(it)}\n\`\`\``,
    commentText(it.docComment ?? ''),
    (it.members ?? []).map(memberText).join('\n'),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

function memberText(member: Declared): string {
  const signature = signatureOf(member).replace(/;$/, '').replaceAll(/\s+/g, ' ')
  const comment = commentText(member.docComment ?? '')
  const indented = comment.replaceAll('\n', '\n  ').replaceAll(/^ +$/gm, '')
  return `- \`${signature}\`${comment === '' ? '' : `  \n  ${indented}`}`
}
