import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { environmentSchema } from '../../grid/program/environment.ts'
import { secretFileVariables } from '../../grid/program/secret-files.ts'
import type { Described } from '../../grid/program/variables.ts'

export const configurationPagePath = 'docs/configuration.md'

/** The page, made of the schema by which programs read their environment. */
export function configurationPage(): string {
  const variables = Object.entries(
    environmentSchema.properties as unknown as Readonly<
      Record<string, Described & { readonly description?: string }>
    >,
  )
  const rows = variables.map(([name, { default: value, allowed, description = '' }]) =>
    row([`\`${name}\``, shown(name, value), cell(allowed), cell(description)]),
  )
  const files = secretFileVariables.map((name) => `\`${name}\``).join(', ')
  return `${head}
| variable | default | allowed | means |
| --- | --- | --- | --- |
${rows.join('\n')}

In a file instead: ${files}.
`
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

const shown = (name: string, value: unknown): string => {
  if (value === undefined || value === '') return ''
  // It differs from process to process, and nobody can copy it.
  if (name === 'UNIT_NAME') return 'host and process id'
  return `\`${cell(String(value))}\``
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').trim()

const head = `# Configuration

Made by \`npm run configuration\` from the schema by which every program reads its environment; not to be edited.

A wrong value ends a program at once, with code 2 and one line that names the variable, the value and what is allowed. A variable that is empty
counts as not set. What each is for, in more words, and what goes together: [operations.md](operations.md#environment).
`

if (import.meta.main)
  await writeFile(
    fileURLToPath(new URL(`../../${configurationPagePath}`, import.meta.url)),
    configurationPage(),
  )
