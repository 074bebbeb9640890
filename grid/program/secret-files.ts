import { readFileSync } from 'node:fs'
import { shown } from './variables.ts'

/** Variables that are a password, or may hold one. */
const secretVariables = [
  'NATS_URL',
  'MONGODB_URL',
  'REDIS_URL',
  'ADMIN_TOKEN',
  'CONSOLE_TOKEN',
  'WAITING_ROOM_KEY',
  'AUTH_TOKEN',
] as const
/** More is no such value: somebody has named another file. */
const lengthMax = 65_536

export const secretFileVariables: readonly string[] = secretVariables.map(fileVariableOf)

/**
 * Reads the variables that are in files: `MONGODB_URL_FILE` names one whose text is the value of
 * `MONGODB_URL`. So a password is in nobody's environment, which others may list and which
 * processes hand on; container engines mount secrets as files.
 * @returns the variables as if those had been set, and what is wrong, a line for each
 */
export function readSecretFiles(variables: Readonly<Record<string, string | undefined>>): {
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly problems: readonly string[]
} {
  const read: Record<string, string> = {}
  const problems: string[] = []
  for (const name of secretVariables) {
    const fileVariable = fileVariableOf(name)
    const file = variables[fileVariable]?.trim()
    if (!file) continue
    if (variables[name]?.trim()) problems.push(`${name} and ${fileVariable} are both set: set one`)
    const text = textOf(file)
    if (typeof text === 'string') read[name] = text
    else problems.push(`${fileVariable}=${shown(file)}: ${text.problem}`)
  }
  return { variables: { ...variables, ...read }, problems }
}

function fileVariableOf(name: string): string {
  return `${name}_FILE`
}

function textOf(file: string): string | { readonly problem: string } {
  try {
    const text = readFileSync(file, 'utf8').trim()
    if (text === '') return { problem: 'the file is empty' }
    return text.length > lengthMax
      ? { problem: 'the file is too long for what it is to hold' }
      : text
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { problem: faults[code ?? ''] ?? message }
  }
}

const faults: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'the file cannot be read: it belongs to somebody else',
  EISDIR: 'that is a folder',
}
