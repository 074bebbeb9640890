import { blankOut } from './blank-out.ts'

export interface Import {
  /** What stands between the quotes. */
  specifier: string
  /** `import type …`: gone at run time. */
  typeOnly: boolean
  /** From 1. */
  line: number
  /** Where the specifier begins in the text. */
  at: number
}

const importPattern =
  /\b(?:import|export)\b(\s+type\b)?(?:[^'"`;()]*?\bfrom)?\s*\(?\s*(['"])([^'"\n]+)\2/g

/** One file of the repository as the rules see it. */
export class SourceFile {
  /** From the repository's root, with forward slashes. */
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
  /** Empty for what is not TypeScript. */
  readonly codeOnly: string

  constructor(path: string, text: string) {
    this.path = path
    this.text = text
    const { withoutComments, codeOnly } = this.isTypeScript
      ? blankOut(text)
      : { withoutComments: '', codeOnly: '' }
    this.codeOnly = codeOnly
    this.imports = importsOf(withoutComments, codeOnly)
  }

  get isTypeScript(): boolean {
    return this.path.endsWith('.ts')
  }

  get isTest(): boolean {
    return this.path.endsWith('.test.ts')
  }

  get lines(): number {
    return this.text.trimEnd().split('\n').length
  }

  /** Line numbers, from 1, of what matches a global pattern, and the match. */
  matches(pattern: RegExp, text = this.text): { line: number; match: string }[] {
    return [...text.matchAll(pattern)].map((found) => ({
      line: lineAt(text, found.index),
      match: found[0].trim(),
    }))
  }

  /** Resolves a relative import to a path from the root; undefined for a package. */
  resolve(specifier: string): string | undefined {
    if (!specifier.startsWith('.')) return undefined
    return new URL(specifier, `file:///${this.path}`).pathname.slice(1)
  }
}

function importsOf(withoutComments: string, codeOnly: string): Import[] {
  const imports: Import[] = []
  for (const found of withoutComments.matchAll(importPattern)) {
    // The word `import` inside a string is no import.
    if (codeOnly[found.index] === ' ') continue
    const specifier = found[3] ?? ''
    imports.push({
      specifier,
      typeOnly: found[1] !== undefined,
      line: lineAt(withoutComments, found.index),
      at: found.index + found[0].length - 1 - specifier.length,
    })
  }
  return imports
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}
