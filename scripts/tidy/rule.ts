import type { SourceFile } from './source-file.ts'

export interface Finding {
  /** From 1. */
  line: number
  /** What stands there: `imports node:fs`. */
  what: string
}

/** What rules know beyond the file they look at. */
export interface Project {
  /** The packages that a file may import by name: those that its workspace declares. */
  declaredFor(path: string): ReadonlySet<string>
  /** The files that import each other in a loop with this one; empty: none. */
  circleOf(path: string): readonly string[]
}

/** A house rule: where it holds, what breaks it, and what to do instead. */
export interface Rule {
  name: string
  /** One sentence to the person who broke it: why, and what to do instead. */
  advice: string
  /** Only mentioned, does not fail the check; false by default. */
  warning?: boolean
  holdsFor(file: SourceFile): boolean
  find(file: SourceFile, project: Project): Finding[]
}
