import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from './environment.ts'

/**
 * How commands, and the console, say who they are: as `AUTH_TOKEN` has it, else by the key of the
 * closed grid whose keys are in the data directory, else not at all.
 */
export function ownCredential({ AUTH_TOKEN, DATA_DIR }: Environment): string | undefined {
  const token = AUTH_TOKEN ?? keyOfClosedGrid(DATA_DIR)
  if (token === undefined) return undefined
  return token.startsWith('sgk_') ? `Api-Key ${token}` : `Bearer ${token}`
}

/** The same as headers of a request. */
export function ownHeaders(environment: Environment): Readonly<Record<string, string>> {
  const credential = ownCredential(environment)
  return credential === undefined ? {} : { authorization: credential }
}

function keyOfClosedGrid(dataDirectory: string): string | undefined {
  try {
    return readFileSync(join(dataDirectory, 'keys', 'api-key'), 'utf8').trim()
  } catch {
    // There is none, or it is somebody else's: whoever is asked says what is missing.
    return undefined
  }
}
