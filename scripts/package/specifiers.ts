import { posix } from 'node:path'
import { blankOut } from '../tidy/blank-out.ts'
import { fileOf } from '../tidy/house.ts'
import { SourceFile } from '../tidy/source-file.ts'

const { dirname, relative } = posix

/** A file beside a module, as `import.meta.url` finds it: a program to start, an asset. */
const besidePattern =
  /new URL\(\s*(['"])(\.{1,2}\/[^'"\n]*[^./'"]\.[a-z0-9]+)\1,\s*import\.meta\.url\s*\)/g

/** The files that a source names by their place, from the root. */
export function filesBeside(path: string, text: string): string[] {
  const { withoutComments } = blankOut(text)
  return [...withoutComments.matchAll(besidePattern)].map(([, , place = '']) =>
    new URL(place, `file:///${path}`).pathname.slice(1),
  )
}

/** What a compiled module is called that was written as this source. */
export const compiled = (path: string): string => path.replace(/(?<!\.d)\.ts$/, '.js')

/**
 * Compiled text as it stands in the package: what it imports of the house, and the programs beside
 * it, are named by their compiled files, relative to its own.
 *
 * @param path of the source, from the root
 */
export function withCompiledSpecifiers(path: string, text: string): string {
  let changed = ''
  let done = 0
  for (const { specifier, at } of new SourceFile(path, text).imports) {
    const target = fileOf(path, specifier)
    if (target === undefined) continue
    changed += text.slice(done, at) + relativeName(path, compiled(target))
    done = at + specifier.length
  }
  changed += text.slice(done)
  return changed.replaceAll(besidePattern, (all, quote: string, place: string) =>
    all.replace(`${quote}${place}${quote}`, `${quote}${compiled(place)}${quote}`),
  )
}

function relativeName(from: string, to: string): string {
  const name = relative(dirname(from), to)
  return name.startsWith('.') ? name : `./${name}`
}
