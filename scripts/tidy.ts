import { fileURLToPath } from 'node:url'
import { dependencyRules } from './tidy/dependency-rules.ts'
import { ImportGraph } from './tidy/import-graph.ts'
import { repositoryFiles } from './tidy/repository-files.ts'
import type { Project, Rule } from './tidy/rule.ts'
import type { SourceFile } from './tidy/source-file.ts'
import { textRules } from './tidy/text-rules.ts'
import { Workspaces } from './tidy/workspaces.ts'

/**
 * The house rules: what CONTRIBUTING.md asks for and neither the compiler nor the linter can check.
 */
export const rules: readonly Rule[] = [...dependencyRules, ...textRules]

export interface Violation {
  rule: Rule
  path: string
  line: number
  what: string
}

export function violationsIn(file: SourceFile, project: Project): Violation[] {
  return rules
    .filter((rule) => rule.holdsFor(file))
    .flatMap((rule) =>
      rule.find(file, project).map((finding) => ({ rule, path: file.path, ...finding })),
    )
}

async function main(): Promise<void> {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const files = await repositoryFiles(root)
  const workspaces = await Workspaces.read(root)
  const imports = new ImportGraph(files)
  const project: Project = {
    declaredFor: (path) => workspaces.declaredFor(path),
    circleOf: (path) => imports.circleOf(path),
  }
  const violations = files.flatMap((file) => violationsIn(file, project))
  for (const { rule, path, line, what } of violations) {
    const kind = rule.warning === true ? 'warning' : 'error'
    process.stdout.write(`${path}:${line} ${kind} ${rule.name}: ${what}. ${rule.advice}\n`)
  }
  const errors = violations.filter(({ rule }) => rule.warning !== true).length
  process.stdout.write(`tidy: ${files.length} files, ${rules.length} rules, ${errors} errors\n`)
  if (errors > 0) process.exitCode = 1
}

if (import.meta.main) await main()
