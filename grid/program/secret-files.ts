import { readFileSync } from 'node:fs'
import { GridError } from '../core/errors.ts'

/**
 * Variables with what is secret read from files: of each name, what the file of `NAME_FILE` holds,
 * without the line break at its end, as orchestrators hand secrets out.
 * @throws GridError `configuration_invalid`: the file cannot be read, or both are set
 */
export function withSecretsOfFiles(
  variables: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
): Readonly<Record<string, string | undefined>> {
  const secrets: Record<string, string> = {}
  for (const name of names) {
    const file = variables[`${name}_FILE`]?.trim()
    if (file === undefined || file === '') continue
    if (variables[name]?.trim())
      throw wrong(`${name} and ${name}_FILE are both set: set one of them`)
    try {
      secrets[name] = readFileSync(file, 'utf8').trim()
    } catch (error) {
      throw wrong(`${name}_FILE=${JSON.stringify(file)}: ${(error as Error).message}`)
    }
    if (secrets[name] === '') throw wrong(`${name}_FILE=${JSON.stringify(file)}: it is empty`)
  }
  return { ...variables, ...secrets }
}

const wrong = (message: string): GridError => new GridError('configuration_invalid', message)
