import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileOf } from '../tidy/house.ts'
import { SourceFile } from '../tidy/source-file.ts'
import { filesBeside } from './specifiers.ts'

/**
 * The sources that belong into the package: what its entries and programs need, and nothing else.
 * By path from the root.
 */
export async function packageSources(
  root: string,
  entries: readonly string[],
): Promise<ReadonlyMap<string, SourceFile>> {
  const found = new Map<string, SourceFile>()
  const waiting = [...entries]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue
    const file = new SourceFile(path, await readFile(join(root, path), 'utf8'))
    found.set(path, file)
    if (!file.isTypeScript) continue
    for (const { specifier } of file.imports) {
      const target = fileOf(path, specifier)
      if (target !== undefined) waiting.push(target)
    }
    waiting.push(...filesBeside(path, file.text))
  }
  return found
}
