import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** A fenced block of a page. */
export interface Block {
  /** From the root. */
  readonly page: string
  /** Where its fence opens, from 1. */
  readonly line: number
  /** `ts`, `console` …; empty where none is named. */
  readonly language: string
  readonly text: string
  /** The comment on the line before it, which says who runs it, or why nobody does. */
  readonly note: string | undefined
}

/**
 * What is written for readers: the pages at the root, the package's own page, `docs/` and the
 * decisions.
 */
export async function readerPages(): Promise<string[]> {
  const folders = ['.', 'spacegrid', 'docs', 'docs/decisions']
  const pages = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(join(root, folder)))
        .filter((name) => name.endsWith('.md'))
        .map((name) => join(folder, name)),
    ),
  )
  return pages.flat()
}

/** @throws Error when a fence is not closed */
export function blocksOf(page: string, text: string): Block[] {
  const blocks: Block[] = []
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const [, indent, fence = '', language = ''] = /^( *)(```+)([\w-]*)/.exec(lines[at] ?? '') ?? []
    if (indent === undefined) continue
    const end = lines.findIndex((line, index) => index > at && line.trim() === fence)
    if (end === -1) throw new Error(`${page}:${at + 1}: the block is not closed`)
    const [, note] = /^\s*<!-- (.*) -->$/.exec(lines[at - 1] ?? '') ?? []
    const body = lines.slice(at + 1, end).map((line) => line.slice(indent.length))
    blocks.push({ page, line: at + 1, language, text: `${body.join('\n')}\n`, note })
    at = end
  }
  return blocks
}

export async function blocksOfPage(page: string): Promise<Block[]> {
  return blocksOf(page, await readFile(join(root, page), 'utf8'))
}
