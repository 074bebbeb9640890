import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SourceFile } from './source-file.ts'

/** Folders that hold what was made, not written. Hidden ones are tools' own, but for these. */
const madeFolders = new Set(['node_modules', 'coverage', 'dist'])
const hiddenFoldersWritten = new Set(['.ci', '.github'])

/** What no rule can read. */
const binary = /\.(?:png|jpg|jpeg|gif|ico|webp|woff2?|gz|zip|pdf|wasm)$/

/** Every file that people wrote, by path; needs no git, for an archive of the sources has none. */
export async function repositoryFiles(root: string): Promise<SourceFile[]> {
  const paths = (await walk(root, '')).filter((path) => !binary.test(path)).sort()
  const files: SourceFile[] = []
  for (const path of paths) {
    files.push(new SourceFile(path, await readFile(join(root, path), 'utf8')))
  }
  return files
}

async function walk(root: string, folder: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    // In a work tree beside the repository this is a file, and names a place on the machine.
    if (entry.name === '.git') continue
    if (entry.isFile()) found.push(path)
    else if (entry.isDirectory() && isWritten(entry.name)) found.push(...(await walk(root, path)))
  }
  return found
}

function isWritten(folder: string): boolean {
  if (folder.startsWith('.')) return hiddenFoldersWritten.has(folder)
  return !madeFolders.has(folder)
}
